namespace Strata.HitRatios;

/// <summary>What is compared, in the order of the table: the peers, what was chosen, and the store that it became.</summary>
internal static class PolicyList
{
    /// <summary>How many of them are ours, at the end.</summary>
    public const int Ours = 2;

    public static IReadOnlyList<Func<Trace, Policy>> All { get; } =
    [
        trace => new Lru(trace),
        trace => new Lfu(trace),
        trace => new Arc(trace),
        trace => new Sieve(trace),
        trace => new S3Fifo(trace),
        trace => new WTinyLfu(trace),
        trace => new AdaptiveS3Fifo(trace),
        trace => new StoreItself(trace),
    ];
}
