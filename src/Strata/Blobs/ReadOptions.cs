namespace Strata;

/// <summary>How to read. Null where a caller wants the whole blob as it is, which is the fast path.</summary>
public sealed record ReadOptions
{
    /// <summary>The part to read; null for the whole blob.</summary>
    public BlobRange? Range { get; init; }

    /// <summary>Answer <see cref="BlobReadStatus.PreconditionFailed"/> unless the blob has this ETag (<c>*</c>: any).</summary>
    public string? IfMatch { get; init; }

    /// <summary>Answer <see cref="BlobReadStatus.NotModified"/> if the blob has this ETag (<c>*</c>: any).</summary>
    public string? IfNoneMatch { get; init; }

    /// <summary>Which copies may answer. Default <see cref="ReadConsistency.Default"/>.</summary>
    public ReadConsistency Consistency { get; init; }

    /// <summary>What the conditions say of a blob: <see cref="BlobReadStatus.Found"/> if it may be read.</summary>
    public BlobReadStatus Evaluate(string etag)
    {
        if (IfMatch is { } match && match != "*" && !string.Equals(match, etag, StringComparison.Ordinal)) return BlobReadStatus.PreconditionFailed;
        if (IfNoneMatch is { } none && (none == "*" || string.Equals(none, etag, StringComparison.Ordinal))) return BlobReadStatus.NotModified;
        return BlobReadStatus.Found;
    }
}
