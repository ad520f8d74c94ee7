namespace Strata;

/// <summary>An upload in parts that is under way.</summary>
public sealed record MultipartUpload
{
    /// <summary>Where the blob will be.</summary>
    public required BlobKey Key { get; init; }

    /// <summary>The store's name for the upload: 1 to 128 letters, digits, <c>-</c> and <c>_</c>; those begun later sort later.</summary>
    public required string Id { get; init; }

    /// <summary>When it was begun.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>When it was begun or a part of it was last kept: its expiry counts from here.</summary>
    public DateTimeOffset Touched { get; init; }

    /// <summary>Parts kept so far.</summary>
    public int Parts { get; init; }

    /// <summary>Bytes of the parts kept so far.</summary>
    public long Bytes { get; init; }

    /// <summary>Expiry, types and metadata that the blob will have.</summary>
    public WriteOptions Options { get; init; } = new();
}
