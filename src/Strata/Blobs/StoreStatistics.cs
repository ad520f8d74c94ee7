namespace Strata;

/// <summary>What a store holds and has done since it was opened.</summary>
public sealed record StoreStatistics
{
    /// <summary>Blobs held, expired ones that are not yet swept included.</summary>
    public long Blobs { get; init; }

    /// <summary>Bytes that count against the capacity: payload, keys, metadata and bookkeeping.</summary>
    public long Bytes { get; init; }

    /// <summary>Capacity in bytes; null if only the medium bounds it.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>Blobs dropped to make room.</summary>
    public long Evictions { get; init; }

    /// <summary>Blobs dropped because they had expired.</summary>
    public long Expirations { get; init; }
}
