namespace Strata;

/// <summary>
/// The unexpected: what a caller could not have known. Misses and failed conditions are values, not exceptions;
/// a caller's bug is an <see cref="ArgumentException"/>.
/// </summary>
public sealed class StorageException : Exception
{
    /// <summary>Creates an exception; the message says what was wrong, where, and what to do.</summary>
    public StorageException(StorageErrorKind kind, string message, Exception? inner = null)
        : base(message, inner) => Kind = kind;

    /// <summary>What went wrong.</summary>
    public StorageErrorKind Kind { get; }

    /// <summary>Whether anything may have been changed. Default <see cref="WriteOutcome.NotApplied"/>.</summary>
    public WriteOutcome Outcome { get; init; }

    /// <summary>True if the same call may succeed later.</summary>
    public bool IsTransient { get; init; }

    /// <summary>The operation, such as <c>read</c>; empty if none applies.</summary>
    public string Operation { get; init; } = "";

    /// <summary>The key, or null.</summary>
    public BlobKey? Key { get; init; }

    /// <summary>The store's name; empty if none applies.</summary>
    public string Store { get; init; } = "";

    /// <summary>An option that a store does not honour.</summary>
    public static StorageException Unsupported(string operation, BlobKey? key, string store, string what) =>
        new(StorageErrorKind.Unsupported, $"Store '{store}' does not support {what}.") { Operation = operation, Key = key, Store = store };

    /// <summary>A payload that does not match its checksum.</summary>
    public static StorageException Corrupt(string operation, BlobKey? key, string store, string detail, Exception? inner = null) =>
        new(StorageErrorKind.Corrupt, $"The blob '{key}' in store '{store}' is damaged: {detail}.", inner) { Operation = operation, Key = key, Store = store };

    /// <summary>Content that was shorter or longer than declared.</summary>
    public static StorageException WrongLength(string operation, BlobKey? key, string store, long declared, string actual) =>
        new(StorageErrorKind.LengthMismatch, $"The content of '{key}' was declared as {declared} bytes but has {actual}; nothing was written.")
        {
            Operation = operation, Key = key, Store = store,
        };

    /// <summary>A store that is disposed.</summary>
    public static StorageException Closed(string operation, string store) =>
        new(StorageErrorKind.Closed, $"Store '{store}' is closed.") { Operation = operation, Store = store };
}
