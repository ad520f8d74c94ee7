namespace Strata;

/// <summary>The facet by which a person sees a tiered store at work.</summary>
public interface ITierInspection
{
    /// <summary>A snapshot of each tier, fastest first; the last one is the origin.</summary>
    IReadOnlyList<TierStatistics> GetTierStatistics();

    /// <summary>Reads of the whole store since it was opened; a miss is counted once a read, however many tiers were asked.</summary>
    TieredReads GetReads();

    /// <summary>Changes at the origin whose outcome is unknown.</summary>
    DoubtStatus GetDoubts();

    /// <summary>Names of the tiers that hold the key's current write, fastest first; empty if it is missing. Cost: a stat of each tier.</summary>
    ValueTask<IReadOnlyList<string>> LocateAsync(BlobKey key, CancellationToken cancellationToken = default);

    /// <summary>What moved lately: the events with a sequence number above <paramref name="after"/>, oldest first, of the last 256.</summary>
    IReadOnlyList<TierEvent> GetEvents(long after = 0);

    /// <summary>
    /// The same events as they happen, from the one after <paramref name="after"/> on, until the store is closed. The last 4,096 are kept:
    /// a reader that is slower than they come is told by <see cref="TierEvent.Missed"/> how many it did not get, and holds nobody up.
    /// </summary>
    /// <param name="after">A sequence number; 0 for all that are kept, <see cref="TierEvent.Sequence"/> of the last one to go on. One that is higher than any begins anew.</param>
    /// <param name="cancellationToken">Ends the stream.</param>
    IAsyncEnumerable<TierEvent> WatchEventsAsync(long after = 0, CancellationToken cancellationToken = default);
}
