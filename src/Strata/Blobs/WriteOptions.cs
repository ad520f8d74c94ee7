namespace Strata;

/// <summary>How to write. Null where all is default.</summary>
public sealed record WriteOptions
{
    /// <summary>What must hold at the commit. Default none.</summary>
    public WriteCondition Condition { get; init; }

    /// <summary>Media type (RFC 9110), at most 255 characters; null for none.</summary>
    public string? ContentType { get; init; }

    /// <summary>Content encoding (RFC 9110), at most 255 characters; null for none.</summary>
    public string? ContentEncoding { get; init; }

    /// <summary>
    /// The user's metadata; null for none. Names of 1 to 255 characters without controls, values without NUL; at most
    /// <see cref="MaxMetadataBytes"/> bytes of UTF-8 in all.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>From this moment on the blob is invisible; null for never. A moment in the past is allowed: nothing is ever visible.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>The ETag to keep with the blob (S3 wants the content's MD5), 1 to 255 characters; null for the store's own.</summary>
    public string? ETag { get; init; }

    /// <summary>CRC-32C that the payload must have; a mismatch fails the write with kind Corrupt. Null: not checked.</summary>
    public uint? Checksum { get; init; }

    /// <summary>
    /// The tier that the write begins in: it gets a copy, and faster ones keep none. From there its use decides, as of any other: a pin or a rule
    /// keeps it. Null: what pins, rules and settings say, which this overrides for the one write. Only a tiered store honours it.
    /// </summary>
    public string? Tier { get; init; }

    /// <summary>Tiers that get no copy (and keep no older one); the origin cannot be skipped. Only a tiered store honours it.</summary>
    public IReadOnlyCollection<string>? SkipTiers { get; init; }

    /// <summary>The only tiers, besides the origin, that get a copy. Only a tiered store honours it.</summary>
    public IReadOnlyCollection<string>? OnlyTiers { get; init; }

    /// <summary>
    /// The write is a copy of this blob: version, ETag, times, expiry, types, metadata and checksum are its; the fields
    /// above, but for the condition, are ignored. Tiers and replicas use it: they never assign versions.
    /// </summary>
    public BlobInfo? AsCopyOf { get; init; }

    /// <summary>What the write replaces, where another store holds that: its version is passed, and its time of creation kept.</summary>
    internal BlobInfo? Replaces { get; init; }

    /// <summary>Length in bytes that a streamed write will have, where its caller has declared it.</summary>
    internal long? DeclaredLength { get; init; }

    /// <summary>The most user metadata, names and values in UTF-8 together: 8 KiB.</summary>
    public const int MaxMetadataBytes = 8 * 1024;
}
