namespace Strata;

/// <summary>Something that moved in a tiered store.</summary>
/// <param name="Sequence">Rises by one an event, from 1.</param>
/// <param name="Time">When it was noted.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Tier">The tier that gained or lost a copy.</param>
/// <param name="Key">The blob.</param>
/// <param name="Length">Its payload in bytes.</param>
public sealed record TierEvent(long Sequence, DateTimeOffset Time, TierEventKind Kind, string Tier, BlobKey Key, long Length)
{
    /// <summary>How many events before this one a watcher did not get, because it was too slow or began too late; else 0.</summary>
    public long Missed { get; init; }
}
