namespace Strata;

/// <summary>What a streamed write knows only at its end.</summary>
public sealed record CommitOptions
{
    /// <summary>The ETag to keep with the blob; null for that of the write options, else the store's own.</summary>
    public string? ETag { get; init; }

    /// <summary>CRC-32C that the payload must have; null: not checked.</summary>
    public uint? Checksum { get; init; }

    /// <summary>The metadata to keep with the blob; null for that of the write options.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>As <see cref="WriteOptions.Replaces"/>, where only the end tells.</summary>
    internal BlobInfo? Replaces { get; init; }
}
