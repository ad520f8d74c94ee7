namespace Strata;

/// <summary>What a read came to, for a key that exists.</summary>
public enum BlobReadStatus
{
    /// <summary>The bytes are there.</summary>
    Found,

    /// <summary><see cref="ReadOptions.IfNoneMatch"/> named the blob's ETag; no bytes.</summary>
    NotModified,

    /// <summary><see cref="ReadOptions.IfMatch"/> named another ETag; no bytes.</summary>
    PreconditionFailed,

    /// <summary>No byte of the blob lies in <see cref="ReadOptions.Range"/>; no bytes.</summary>
    RangeNotSatisfiable,
}
