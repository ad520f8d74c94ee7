namespace Strata;

/// <summary>Says in Strata's words what the operating system refused: the one error map of the disk store.</summary>
internal static class DiskErrors
{
    private const int NoSpace = 28, QuotaExceeded = 122, QuotaExceededMac = 69, FileTooLarge = 27;
    private const int WindowsDiskFull = unchecked((int)0x80070070), WindowsHandleDiskFull = unchecked((int)0x80070027);

    public static bool IsDiskError(Exception e) => e is IOException or UnauthorizedAccessException;

    /// <summary>The exception to throw for a failed disk operation.</summary>
    public static StorageException Map(Exception e, string operation, BlobKey? key, string store, string folder, WriteOutcome outcome = WriteOutcome.NotApplied)
    {
        (StorageErrorKind kind, string what) = e switch
        {
            UnauthorizedAccessException => (StorageErrorKind.AccessDenied, $"The process may not {(operation is "read" or "list" ? "read" : "write")} there; check the folder's permissions and that it is not mounted read-only."),
            DirectoryNotFoundException => (StorageErrorKind.Unavailable, "The folder is gone; was it removed or unmounted?"),
            IOException io when IsFull(io.HResult) => (StorageErrorKind.Full, "The disk is full; free some space and try again."),
            _ => (StorageErrorKind.Unavailable, e.Message),
        };
        return new StorageException(kind, $"Store '{store}' cannot {operation}{(key is { } k ? $" '{k}'" : "")} in {folder}. {what}", e)
        {
            Outcome = outcome,
            IsTransient = kind is StorageErrorKind.Full or StorageErrorKind.Unavailable,
            Operation = operation,
            Key = key,
            Store = store,
        };
    }

    /// <summary>True if there is no room on the medium.</summary>
    public static bool IsFull(IOException e) => IsFull(e.HResult);

    private static bool IsFull(int code) =>
        code is NoSpace or QuotaExceeded or QuotaExceededMac or FileTooLarge or WindowsDiskFull or WindowsHandleDiskFull;
}
