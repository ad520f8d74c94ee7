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

    /// <summary>Bytes of all its files on the medium, garbage and spares included; null for a store without files of its own.</summary>
    public long? FileBytes { get; init; }

    /// <summary>What is wrong with the store at this moment, as a sentence for whoever runs it; null while all is well.</summary>
    public string? Fault { get; init; }

    /// <summary>Blobs dropped to make room.</summary>
    public long Evictions { get; init; }

    /// <summary>Blobs dropped because they had expired.</summary>
    public long Expirations { get; init; }
}
