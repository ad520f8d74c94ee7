namespace Strata;

/// <summary>A part of an upload that is kept.</summary>
public sealed record UploadedPart
{
    /// <summary>1 to <see cref="IMultipartUploads.MaxParts"/>.</summary>
    public required int Number { get; init; }

    /// <summary>Bytes.</summary>
    public required long Length { get; init; }

    /// <summary>As given at its commit, else the store's own.</summary>
    public required string ETag { get; init; }

    /// <summary>CRC-32C of its bytes.</summary>
    public uint Checksum { get; init; }

    /// <summary>When it was kept.</summary>
    public DateTimeOffset Modified { get; init; }

    /// <summary>What was given at its commit; never null.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = BlobInfo.NoMetadata;
}
