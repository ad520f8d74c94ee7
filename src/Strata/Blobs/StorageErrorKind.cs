namespace Strata;

/// <summary>What went wrong.</summary>
public enum StorageErrorKind
{
    /// <summary>The store cannot be reached, or its medium fails.</summary>
    Unavailable,

    /// <summary>No answer in time.</summary>
    Timeout,

    /// <summary>No room: the disk is full, or the store's capacity is used up.</summary>
    Full,

    /// <summary>Bytes do not match their checksum, or a file is not what Strata wrote.</summary>
    Corrupt,

    /// <summary>The stack does not honour an option; nothing was done.</summary>
    Unsupported,

    /// <summary>Credentials or file permissions do not allow it.</summary>
    AccessDenied,

    /// <summary>The blob is longer than the store takes.</summary>
    TooLarge,

    /// <summary>The content was shorter or longer than declared.</summary>
    LengthMismatch,

    /// <summary>The blob changed between the steps of one read.</summary>
    Changed,

    /// <summary>Another process owns the folder.</summary>
    Owned,

    /// <summary>The store was disposed, or is shutting down.</summary>
    Closed,
}
