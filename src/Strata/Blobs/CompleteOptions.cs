namespace Strata;

/// <summary>What is known of a blob only when its upload is completed.</summary>
public sealed record CompleteOptions
{
    /// <summary>What must hold at the commit. Default none.</summary>
    public WriteCondition Condition { get; init; }

    /// <summary>The ETag to keep with the blob; null for the store's own.</summary>
    public string? ETag { get; init; }

    /// <summary>CRC-32C that the whole payload must have; null: not checked.</summary>
    public uint? Checksum { get; init; }

    /// <summary>The metadata to keep; null for that with which the upload was begun.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}
