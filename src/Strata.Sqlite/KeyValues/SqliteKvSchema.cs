using System.Globalization;
using SQLitePCL;

namespace Strata.Sqlite;

/// <summary>The tables of a file (docs/formats/sqlite-kv.md): makes them in a new one, and refuses a file that has others.</summary>
internal static class SqliteKvSchema
{
    /// <summary>What a file is known by: "Strt".</summary>
    public const int ApplicationId = 0x53747274;

    /// <summary>The version of the tables.</summary>
    public const int Version = 1;

    /// <summary>
    /// Rows beside an index of keys, not in it (WITHOUT ROWID): measured, that takes half the time for values of 100 bytes, but
    /// eight times as long from about 1 KiB on, where a page of the index holds no more than four.
    /// </summary>
    private static readonly string[] Tables =
    [
        "CREATE TABLE kv_entries(key BLOB NOT NULL UNIQUE, version INTEGER NOT NULL, encoding INTEGER NOT NULL, expires INTEGER, checksum INTEGER NOT NULL, value BLOB NOT NULL)",
        "CREATE INDEX kv_entries_by_expiry ON kv_entries(expires) WHERE expires IS NOT NULL",
        "CREATE TABLE kv_state(id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, seen INTEGER NOT NULL, checksum INTEGER NOT NULL)",
    ];

    /// <summary>Opens a file for writing, and makes it a database of Strata if there is nothing in it.</summary>
    public static SqliteSession Open(SqliteKvDatabaseOptions options)
    {
        var place = new SqlitePlace(options.Path, options.Name);
        CreateFile(place);
        SqliteSession session = SqliteSession.Open(place, raw.SQLITE_OPEN_READWRITE, options.BusyTimeout, "open");
        try
        {
            // Of one instant: another process may be making the tables.
            session.Execute("BEGIN");
            bool isNew = IsNew(session);
            session.Execute("COMMIT");
            if (isNew) Create(session);
            UseLog(session, options.Durability);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Opens one more session, which reads.</summary>
    public static SqliteSession OpenReader(SqliteKvDatabaseOptions options)
    {
        // Not read-only: whoever comes first after a crash repairs the index of the log, and that may be a reader.
        SqliteSession session = SqliteSession.Open(new SqlitePlace(options.Path, options.Name), raw.SQLITE_OPEN_READWRITE, options.BusyTimeout, "read");
        try
        {
            session.Execute("PRAGMA query_only = ON");
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>As the other files with data: nobody but the user who runs the process reads it. SQLite gives its other files the same mode.</summary>
    private static void CreateFile(SqlitePlace place)
    {
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(place.Path)) is { } folder) Directory.CreateDirectory(folder);
            var create = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) create.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            if (!File.Exists(place.Path)) new FileStream(place.Path, create).Dispose();
        }
        catch (IOException) when (File.Exists(place.Path))
        {
            // Another process was quicker.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(e is IOException ? StorageErrorKind.Unavailable : StorageErrorKind.AccessDenied, $"The SQLite file '{place.Path}' of '{place.Name}' cannot be created: {e.Message}", e) { Operation = "open", Store = place.Name };
        }
    }

    /// <summary>False: it is Strata's, of a version that is understood.</summary>
    private static bool IsNew(SqliteSession session)
    {
        long id = session.Number("PRAGMA application_id"), version = session.Number("PRAGMA user_version");
        if (id == 0 && session.Number("SELECT count(*) FROM sqlite_master") == 0) return true;
        if (id != ApplicationId)
        {
            string what = DenoSqliteFile.IsDenos(session)
                ? "was written by Deno KV: `strata kv import` copies it into a database of Strata"
                : "holds another program's tables: nothing was changed; name another file";
            throw new StorageException(StorageErrorKind.Corrupt, $"The SQLite file '{session.Place.Path}' of '{session.Place.Name}' {what}.") { Operation = "open", Store = session.Place.Name };
        }

        if (version == Version) return false;
        throw new StorageException(StorageErrorKind.Unsupported, string.Create(CultureInfo.InvariantCulture, $"The SQLite file '{session.Place.Path}' of '{session.Place.Name}' has format {version}, and this version of Strata reads format {Version}: open it with the Strata that wrote it, or a newer one."))
        {
            Operation = "open", Store = session.Place.Name,
        };
    }

    private static void Create(SqliteSession session)
    {
        session.Execute("BEGIN IMMEDIATE");
        try
        {
            // Another process may have been quicker.
            if (!IsNew(session))
            {
                session.Rollback();
                return;
            }

            foreach (string table in Tables) session.Execute(table);
            SqliteStatement insert = session.Prepare("INSERT INTO kv_state(id, version, seen, checksum) VALUES(1, 0, 0, 0)");
            insert.Run();
            new SqliteKvState(Versionstamp.None, DateTimeOffset.UnixEpoch).Write(session.Prepare(SqliteKvState.Update));
            session.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA application_id = {ApplicationId}"));
            session.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {Version}"));
            session.Execute("COMMIT");
        }
        catch
        {
            session.Rollback();
            throw;
        }
    }

    private static void UseLog(SqliteSession session, SqliteDurability durability)
    {
        string? mode = session.Text("PRAGMA journal_mode = WAL");
        if (mode != "wal")
        {
            throw new StorageException(StorageErrorKind.Unsupported, $"The SQLite file '{session.Place.Path}' of '{session.Place.Name}' cannot have a write-ahead log (its journal is '{mode}'): put it on a disk of this machine, not of the network.")
            {
                Operation = "open", Store = session.Place.Name,
            };
        }

        session.Execute($"PRAGMA synchronous = {(durability == SqliteDurability.Flush ? "FULL" : "NORMAL")}");

        // What macOS calls fsync leaves the bytes in the drive.
        session.Execute("PRAGMA fullfsync = ON");
        session.Execute("PRAGMA checkpoint_fullfsync = ON");

        // After a burst the log is cut to this.
        session.Execute("PRAGMA journal_size_limit = 67108864");
    }
}
