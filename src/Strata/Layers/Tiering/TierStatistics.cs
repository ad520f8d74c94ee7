namespace Strata;

/// <summary>What one tier holds and has done since the store was opened.</summary>
public sealed record TierStatistics
{
    /// <summary>The tier's name.</summary>
    public required string Name { get; init; }

    /// <summary>True for the last tier, the source of truth.</summary>
    public bool IsOrigin { get; init; }

    /// <summary>Blobs held; null if the store does not count them.</summary>
    public long? Blobs { get; init; }

    /// <summary>Bytes held; null if the store does not count them.</summary>
    public long? Bytes { get; init; }

    /// <summary>Capacity in bytes; null if only the medium bounds it.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>Bytes of all its files on the medium, garbage and spares included; null for a store without files of its own.</summary>
    public long? FileBytes { get; init; }

    /// <summary>What is wrong with the tier's store at this moment; null while all is well.</summary>
    public string? Fault { get; init; }

    /// <summary>Of the tier that acknowledges writes before the origin has them: what that lacks. Else null.</summary>
    public WriteBackStatus? WriteBack { get; init; }

    /// <summary>Reads that this tier answered.</summary>
    public long Hits { get; init; }

    /// <summary>Reads that asked this tier and went on to the next.</summary>
    public long Misses { get; init; }

    /// <summary>Copies made here from a slower tier because of a read.</summary>
    public long Promotions { get; init; }

    /// <summary>Copies made here by a write.</summary>
    public long Fills { get; init; }

    /// <summary>Blobs taken from here to a slower tier.</summary>
    public long Demotions { get; init; }

    /// <summary>Copies that the tier dropped to make room.</summary>
    public long Evictions { get; init; }

    /// <summary>Copies dropped because they were missing bytes, damaged or not the origin's write.</summary>
    public long Repairs { get; init; }

    /// <summary>Reads answered with a copy of this tier past its freshness, as the origin could not be reached (<see cref="BlobInfo.StaleSince"/>).</summary>
    public long StaleReads { get; init; }

    /// <summary>Operations on this tier that failed.</summary>
    public long Errors { get; init; }

    /// <summary>The last failure's message; null if there was none.</summary>
    public string? LastError { get; init; }

    /// <summary>
    /// Payload bytes of the reads that this tier answered, as long as what was asked for. Null for a tier whose hits are handed out
    /// without a call (<see cref="ISharedReads"/>): to add up their lengths would cost as much as the hit.
    /// </summary>
    public long? BytesRead { get; init; }

    /// <summary>Payload bytes written here: copies and, at the origin, writes.</summary>
    public long BytesWritten { get; init; }

    /// <summary>Reads that were timed: all that this tier answered but those that were handed out without a call (shared reads).</summary>
    public long TimedReads { get; init; }

    /// <summary>Mean time until a timed read's answer began, in microseconds; 0 where none was timed.</summary>
    public double MeanReadMicroseconds { get; init; }

    /// <summary>Half of the timed reads took no longer, in microseconds, within an eighth; 0 where none was timed.</summary>
    public double ReadP50Microseconds { get; init; }

    /// <summary>99 of 100 timed reads took no longer, in microseconds, within an eighth; 0 where none was timed.</summary>
    public double ReadP99Microseconds { get; init; }

    /// <summary>What a store says of itself, as its own only tier.</summary>
    internal static TierStatistics Of(string name, IBlobStore store)
    {
        StoreStatistics? held = store.TryGetFacet(out IStoreStatistics? statistics) ? statistics.GetStatistics() : null;
        return new TierStatistics
        {
            Name = name,
            IsOrigin = true,
            Blobs = held?.Blobs,
            Bytes = held?.Bytes,
            MaxBytes = held?.MaxBytes,
            FileBytes = held?.FileBytes,
            Fault = held?.Fault ?? (store.TryGetFacet(out IStoreHealth? health) ? health.Fault : null),
            Evictions = held?.Evictions ?? 0,
        };
    }
}
