namespace Strata;

/// <summary>Settings of a <see cref="TieredBlobStore"/>.</summary>
public sealed record TieringOptions
{
    /// <summary>The store's name in messages and statistics. Default <c>tiered</c>.</summary>
    public string Name { get; init; } = "tiered";

    /// <summary>
    /// Whether the last tier holds all blobs or each blob has one home. Default inclusive. Exclusive is for <see cref="TieredStoreBuilder"/>,
    /// which composes the tiers accordingly.
    /// </summary>
    public Containment Containment { get; init; }

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

    /// <summary>Where a write is acknowledged, and what it leaves in the faster tiers. Default <see cref="TieringWrites.Through"/>.</summary>
    public TieringWrites Writes { get; init; }

    /// <summary>With <see cref="TieringWrites.Back"/>: how writes get to the origin.</summary>
    public WriteBackOptions WriteBack { get; init; } = new();

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
    /// For so long after <see cref="FreshFor"/> a read is answered with the copy at once, while the origin is asked in the background, once
    /// a key: what others changed goes unseen for both times together, at most. One's own changes are seen at once. 0 (the default) to
    /// 365 days; it needs FreshFor.
    /// </summary>
    public TimeSpan StaleWhileRevalidate { get; init; }

    /// <summary>
    /// Where the origin cannot be reached, a copy that it confirmed less than this ago is served, and marked
    /// (<see cref="BlobReadResult.StaleSince"/>). Never one that this store has written over, deleted, or seen replaced since, nor one
    /// in doubt or confirmed before the store was opened. At least FreshFor and <see cref="StaleWhileRevalidate"/> together, up to 365 days; it
    /// needs FreshFor. Null (the default): such reads fail.
    /// </summary>
    public TimeSpan? FailSafeFor { get; init; }

    /// <summary>For so long the origin is not asked again for a key for which it could not be reached, while there is a copy to serve. 0 to 1 day; default 30 s.</summary>
    public TimeSpan FailSafeThrottle { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The time to live of what is written without an expiry, from the beginning of the write, where no rule of <see cref="TimeToLiveRules"/>
    /// says otherwise. More than 0, up to 36,500 days; null (the default): for ever.
    /// </summary>
    public TimeSpan? DefaultTimeToLive { get; init; }

    /// <summary>Times to live by the beginning of the key; the first rule that fits counts. Default none.</summary>
    public IReadOnlyList<TimeToLiveRule> TimeToLiveRules { get; init; } = [];

    /// <summary>
    /// How often tiers that do not remove by themselves what has expired (<see cref="IBlobSweep"/>: buckets) are swept, one after the
    /// other. 1 minute to 365 days; null (the default): never. In S3 a sweep costs a request an object.
    /// </summary>
    public TimeSpan? SweepEvery { get; init; }

    /// <summary>
    /// The longest life of a request to the origin: for so long after a change of unknown outcome its key is read at the origin
    /// alone, and a later change that the earlier one covers is made again (CONSISTENCY 5). Time-outs of clients, proxies and the
    /// server together must be less. 0 to 1 day; default 15 min. 0: one look at the origin ends the doubt.
    /// </summary>
    public TimeSpan RequestLife { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How long copies that are queued hold up a close, in all, by the clock on the wall.</summary>
    internal TimeSpan CopiesAtClose { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Refuses what is out of range.</summary>
    internal void Check()
    {
        if (!Enum.IsDefined(Writes)) throw new ArgumentException($"Writes must be Through, Around or Back; it is {(int)Writes}.");
        if (Writes == TieringWrites.Back && Containment == Containment.Exclusive) throw new ArgumentException("Writes may not be Back where Containment is Exclusive: each blob has one home, which acknowledges it. Set one of them.");
        if (MaxSharedLoadBytes is < 0 or > 64 << 20) throw new ArgumentException($"MaxSharedLoadBytes must be 0 to 64 MiB; it is {MaxSharedLoadBytes}.");
        if (FreshFor is { } fresh && (fresh <= TimeSpan.Zero || fresh > TimeSpan.FromDays(365))) throw new ArgumentException($"FreshFor must be more than 0 and at most 365 days; it is {fresh}.", nameof(FreshFor));
        if (RunEvery is { } every && (every < TimeSpan.FromSeconds(1) || every > TimeSpan.FromDays(365))) throw new ArgumentException($"RunEvery must be 1 s to 365 days; it is {every}.", nameof(RunEvery));
        if (RunBytesPerSecond < 1024) throw new ArgumentException($"RunBytesPerSecond must be 1 KiB or more; it is {RunBytesPerSecond} bytes.", nameof(RunBytesPerSecond));
        if (RunBudget.DryRun) throw new ArgumentException("RunBudget cannot be that of a dry run.", nameof(RunBudget));
        RunBudget.Check();
        Tracker.Check();
        CheckStaleness();
        CheckTimeToLive(DefaultTimeToLive, nameof(DefaultTimeToLive), "");
        foreach (TimeToLiveRule rule in TimeToLiveRules) CheckTimeToLive(rule.TimeToLive, nameof(TimeToLiveRules), $" for '{rule.Prefix}'");
        if (SweepEvery is { } sweep && (sweep < TimeSpan.FromMinutes(1) || sweep > TimeSpan.FromDays(365))) throw new ArgumentException($"SweepEvery must be 1 minute to 365 days; it is {sweep}.", nameof(SweepEvery));
        if (RequestLife < TimeSpan.Zero || RequestLife > TimeSpan.FromDays(1)) throw new ArgumentException($"RequestLife must be 0 to 1 day; it is {RequestLife}.");
    }

    /// <summary>How long a blob lives that is written without an expiry; null: for ever.</summary>
    internal TimeSpan? TimeToLiveOf(BlobKey key)
    {
        foreach (TimeToLiveRule rule in TimeToLiveRules)
        {
            if (key.Value.StartsWith(rule.Prefix, StringComparison.Ordinal)) return rule.TimeToLive;
        }

        return DefaultTimeToLive;
    }

    private static void CheckTimeToLive(TimeSpan? time, string setting, string what)
    {
        if (time is { } live && (live <= TimeSpan.Zero || live > TimeSpan.FromDays(36_500))) throw new ArgumentException($"{setting}{what} must be more than 0 and at most 36500 days; it is {live}.", setting);
    }

    private void CheckStaleness()
    {
        if (StaleWhileRevalidate < TimeSpan.Zero || StaleWhileRevalidate > TimeSpan.FromDays(365)) throw new ArgumentException($"StaleWhileRevalidate must be 0 to 365 days; it is {StaleWhileRevalidate}.", nameof(StaleWhileRevalidate));
        if (FailSafeThrottle < TimeSpan.Zero || FailSafeThrottle > TimeSpan.FromDays(1)) throw new ArgumentException($"FailSafeThrottle must be 0 to 1 day; it is {FailSafeThrottle}.", nameof(FailSafeThrottle));
        if (FreshFor is null && (StaleWhileRevalidate > TimeSpan.Zero || FailSafeFor is not null))
        {
            string set = FailSafeFor is null ? nameof(StaleWhileRevalidate) : nameof(FailSafeFor);
            throw new ArgumentException($"{set} is set, and FreshFor is not: without that a copy is served, whether the origin is there or not, until this store writes the key. Set FreshFor, or leave it away.", set);
        }

        if (FailSafeFor is { } safe && (safe < FreshFor + StaleWhileRevalidate || safe > TimeSpan.FromDays(365)))
            throw new ArgumentException($"FailSafeFor must be at least FreshFor and StaleWhileRevalidate together, which is {FreshFor + StaleWhileRevalidate}, and at most 365 days; it is {safe}.", nameof(FailSafeFor));
    }
}
