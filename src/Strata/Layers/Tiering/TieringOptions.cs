namespace Strata;

/// <summary>Settings of a <see cref="TieredBlobStore"/>.</summary>
public sealed record TieringOptions
{
    /// <summary>The store's name in messages and statistics. Default <c>tiered</c>.</summary>
    public string Name { get; init; } = "tiered";

    /// <summary>What decides in which tier a blob belongs, and whether a read copies it into the faster ones (<see cref="TieringPolicy.PromoteOnRead"/>).</summary>
    public TieringPolicy Policy { get; init; } = new();

    /// <summary>How accesses are remembered. A store of one tier remembers none.</summary>
    public AccessTrackerOptions Tracker { get; init; } = new();

    /// <summary>
    /// How long after the end of a tiering run the background worker begins the next one (<see cref="ITiering.RunTieringAsync"/>). 1 s to
    /// 365 days; null (the default): only by hand.
    /// </summary>
    public TimeSpan? RunEvery { get; init; }

    /// <summary>The budgets of the background worker's runs. Default none.</summary>
    public TieringRun RunBudget { get; init; } = new();

    /// <summary>The most bytes a second that the background worker's runs copy, on average; null (the default): as fast as the tiers go. 1 KiB or more.</summary>
    public long? RunBytesPerSecond { get; init; }

    /// <summary>What the tiers cost (<see cref="ITiering.EstimateCost"/>). Default none.</summary>
    public IReadOnlyList<TierPrice> Prices { get; init; } = [];

    /// <summary>Whether a write leaves copies in the faster tiers that take it. Default true.</summary>
    public bool FillOnWrite { get; init; } = true;

    /// <summary>
    /// Blobs up to this many bytes are loaded into memory once for all readers that ask at the same time; longer ones are
    /// streamed to each. 0 to 64 MiB; default 1 MiB.
    /// </summary>
    public int MaxSharedLoadBytes { get; init; } = 1 << 20;

    /// <summary>
    /// How long a copy may be served after the origin was last asked for it; then the next read asks again. It must be set where
    /// others write to the origin as well (<see cref="StoreCapabilities.IsSingleWriter"/> is false), and is the longest time that
    /// a change of theirs goes unseen here. More than 0, up to 365 days; null (the default): until this store writes the key.
    /// </summary>
    public TimeSpan? FreshFor { get; init; }

    /// <summary>
    /// The longest life of a request to the origin: for so long after a change of unknown outcome its key is read at the origin
    /// alone, and a later change that the earlier one covers is made again (CONSISTENCY 5). Time-outs of clients, proxies and the
    /// server together must be less. 0 to 1 day; default 15 min. 0: one look at the origin ends the doubt.
    /// </summary>
    public TimeSpan RequestLife { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Refuses what is out of range.</summary>
    internal void Check()
    {
        if (MaxSharedLoadBytes is < 0 or > 64 << 20) throw new ArgumentException($"MaxSharedLoadBytes must be 0 to 64 MiB; it is {MaxSharedLoadBytes}.");
        if (FreshFor is { } fresh && (fresh <= TimeSpan.Zero || fresh > TimeSpan.FromDays(365))) throw new ArgumentException($"FreshFor must be more than 0 and at most 365 days; it is {fresh}.");
        if (RunEvery is { } every && (every < TimeSpan.FromSeconds(1) || every > TimeSpan.FromDays(365))) throw new ArgumentException($"RunEvery must be 1 s to 365 days; it is {every}.", nameof(RunEvery));
        if (RunBytesPerSecond < 1024) throw new ArgumentException($"RunBytesPerSecond must be 1 KiB or more; it is {RunBytesPerSecond} bytes.", nameof(RunBytesPerSecond));
        if (RunBudget.DryRun) throw new ArgumentException("RunBudget cannot be that of a dry run.", nameof(RunBudget));
        RunBudget.Check();
        Tracker.Check();
        if (RequestLife < TimeSpan.Zero || RequestLife > TimeSpan.FromDays(1)) throw new ArgumentException($"RequestLife must be 0 to 1 day; it is {RequestLife}.");
    }
}
