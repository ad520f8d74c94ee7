namespace Strata;

/// <summary>What must hold of a list of tiers before a store stands on it.</summary>
internal static class TierChecks
{
    public static void Check(IReadOnlyList<Tier> tiers, TieringOptions options)
    {
        string store = options.Name;
        if (tiers.Count == 0) throw new ArgumentException($"Store '{store}' has no tiers; it needs at least the origin.");
        foreach (Tier tier in tiers)
        {
            if (string.IsNullOrWhiteSpace(tier.Name)) throw new ArgumentException($"A tier of store '{store}' has no name.");
            if (tiers.Count(t => t.Name == tier.Name) > 1) throw new ArgumentException($"Store '{store}' has two tiers named '{tier.Name}'; names must differ.");
        }

        Tier origin = tiers[^1];
        foreach (Tier tier in tiers) CheckTimeouts(tier, store);
        if (origin.SoftTimeout is not null && options.FailSafeFor is null)
            throw new ArgumentException($"Tier '{origin.Name}' of store '{store}' is the origin, and has a SoftTimeout: a read has nothing else to go on to unless FailSafeFor is set (in the configuration Tiering:FailSafeFor). Set that, or HardTimeout in its place.");
        if ((options.DefaultTimeToLive is not null || options.TimeToLiveRules.Any(rule => rule.TimeToLive is not null)) && !origin.Store.Capabilities.Expiry)
            throw new ArgumentException($"Tier '{origin.Name}' of store '{store}' keeps no expiry, which DefaultTimeToLive and TimeToLiveRules (in the configuration Tiering:…) need.");
        if (options.Writes == TieringWrites.Back && origin.Store is not WriteBackBlobStore)
            throw new ArgumentException($"Writes of store '{store}' are Back, which takes two tiers at least and is composed by TieredStoreBuilder or {nameof(TieredBlobStore)}.{nameof(TieredBlobStore.OpenAsync)}: add a durable tier above its origin '{origin.Name}', or set Writes to Through.");
        if (origin.Store.Capabilities.IsVolatile)
            throw new ArgumentException($"Tier '{origin.Name}' of store '{store}' evicts, so it cannot be the origin: put a tier that keeps everything behind it, or turn its eviction off.");
        if (options.Containment == Containment.Exclusive && !origin.Store.TryGetFacet(out ITierOrigin? _))
            throw new ArgumentException($"Store '{store}' is to give each blob one home, and its tiers were not composed for that: let TieredStoreBuilder open it, or leave Containment Inclusive.");
        if (tiers.Count > 1 && !origin.Store.Capabilities.IsSingleWriter && options.FreshFor is null)
            throw new ArgumentException($"Others may write to tier '{origin.Name}' of store '{store}', and nothing says how long a copy above it may be served without asking it: set FreshFor (in the configuration Tiering:FreshFor, such as 10s) or, if nobody else writes there, singleWriter=true in its address.");
        foreach (Tier tier in tiers.SkipLast(1))
        {
            if (!tier.Store.Capabilities.Expiry && origin.Store.Capabilities.Expiry)
                throw new ArgumentException($"Tier '{tier.Name}' of store '{store}' does not keep expiry, which its origin '{origin.Name}' honours: copies would outlive their blobs. Replace that tier.");
            if (tier.Store.TryGetFacet(out ISharedReads? _) && tier.Store.TryGetFacet(out IStoreStatistics? held) && held.GetStatistics().Blobs > 0)
                throw new ArgumentException($"Tier '{tier.Name}' of store '{store}' holds blobs already; a memory tier must be handed over empty, because its copies are served without asking the origin.");
        }
    }

    private static void CheckTimeouts(Tier tier, string store)
    {
        CheckTime(tier.SoftTimeout, nameof(Tier.SoftTimeout));
        CheckTime(tier.HardTimeout, nameof(Tier.HardTimeout));
        if (tier.SoftTimeout >= tier.HardTimeout)
            throw new ArgumentException($"Tier '{tier.Name}' of store '{store}' has a SoftTimeout of {tier.SoftTimeout}, which must be less than its HardTimeout of {tier.HardTimeout}.");

        void CheckTime(TimeSpan? time, string name)
        {
            if (time is { } set && (set <= TimeSpan.Zero || set > TimeSpan.FromDays(1)))
                throw new ArgumentException($"{name} of tier '{tier.Name}' of store '{store}' must be more than 0 and at most 1 day; it is {set}.");
        }
    }
}
