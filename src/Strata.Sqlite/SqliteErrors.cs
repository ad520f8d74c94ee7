using SQLitePCL;

namespace Strata.Sqlite;

/// <summary>What SQLite's result codes mean here: the one place where they are told apart.</summary>
internal static class SqliteErrors
{
    /// <summary>The index of the log could not grow: what a full disk does to it.</summary>
    private const int ShmSize = raw.SQLITE_IOERR | (19 << 8);

    /// <param name="code">The extended result code.</param>
    /// <param name="detail">What SQLite says of it.</param>
    /// <param name="operation">What was being done.</param>
    /// <param name="place">Where.</param>
    /// <param name="outcome">Whether anything may have been changed.</param>
    public static StorageException Of(int code, string detail, string operation, SqlitePlace place, WriteOutcome outcome = WriteOutcome.NotApplied)
    {
        (StorageErrorKind kind, bool isTransient, string what) = Meaning(code);
        return new StorageException(kind, $"The SQLite file '{place.Path}' of '{place.Name}' {what} (SQLite's error {code}: {detail}).")
        {
            Operation = operation, Store = place.Name, IsTransient = isTransient, Outcome = outcome,
        };
    }

    /// <summary>What is in the file, and should not be.</summary>
    public static StorageException Damaged(string what, string operation, SqlitePlace place) =>
        new(StorageErrorKind.Corrupt, $"The SQLite file '{place.Path}' of '{place.Name}' is damaged: {what}. Restore it from a backup; `sqlite3 FILE .recover` saves what can be read.")
        {
            Operation = operation, Store = place.Name,
        };

    private static (StorageErrorKind Kind, bool IsTransient, string What) Meaning(int code) => (code & 0xFF, code) switch
    {
        (raw.SQLITE_FULL, _) or (_, ShmSize) => (StorageErrorKind.Full, true, "has no room: make some on its disk, and write again"),
        (raw.SQLITE_BUSY or raw.SQLITE_LOCKED, _) => (StorageErrorKind.Timeout, true, "was held by another process for longer than the busy timeout: try again, or find who holds it"),
        (raw.SQLITE_PROTOCOL, _) => (StorageErrorKind.Timeout, true, "could not be locked: too many use it at once; try again"),
        (raw.SQLITE_CORRUPT, _) => (StorageErrorKind.Corrupt, false, "is damaged: restore it from a backup; `sqlite3 FILE .recover` saves what can be read"),
        (raw.SQLITE_NOTADB, _) => (StorageErrorKind.Corrupt, false, "is no SQLite database, or its beginning is damaged: nothing was changed; name another file, or restore it from a backup"),
        (raw.SQLITE_READONLY, _) => (StorageErrorKind.AccessDenied, false, "cannot be written: give this user write permission for the file and its folder"),
        (raw.SQLITE_PERM or raw.SQLITE_AUTH, _) => (StorageErrorKind.AccessDenied, false, "is not permitted to this user"),
        (raw.SQLITE_CANTOPEN, _) => (StorageErrorKind.Unavailable, false, "cannot be opened: its folder must exist, both must be permitted to this user, and the path must name no folder"),
        (raw.SQLITE_NOMEM, _) => (StorageErrorKind.Unavailable, true, "needs more memory than there is"),
        (raw.SQLITE_TOOBIG, _) => (StorageErrorKind.TooLarge, false, "takes no value of that size"),
        (raw.SQLITE_IOERR, _) => (StorageErrorKind.Unavailable, false, "is on a disk that fails: look at the system's log"),
        _ => (StorageErrorKind.Unavailable, false, "failed"),
    };
}
