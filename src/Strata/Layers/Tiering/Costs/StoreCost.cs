namespace Strata;

/// <summary>What a month of a store costs, by what it holds now and what it was asked for since it was opened.</summary>
internal static class StoreCost
{
    private static readonly TimeSpan Month = TimeSpan.FromDays(365 / 12.0), Shortest = TimeSpan.FromMinutes(1);

    /// <param name="tiers">The tiers, fastest first.</param>
    /// <param name="reads">Reads of the store.</param>
    /// <param name="writes">Writes and deletes of the store.</param>
    /// <param name="prices">A price for each tier.</param>
    /// <param name="elapsed">Since when; less than a minute counts as one.</param>
    public static CostEstimate Estimate(IReadOnlyList<TierStatistics> tiers, TieredReads reads, long writes, IReadOnlyList<TierPrice> prices, TimeSpan elapsed)
    {
        double scale = Month / (elapsed > Shortest ? elapsed : Shortest);
        var loads = new TierLoad[tiers.Count];
        double fullest = 0;
        for (int i = 0; i < loads.Length; i++)
        {
            TierStatistics tier = tiers[i];
            fullest = Math.Max(fullest, tier.Bytes ?? 0);
            loads[i] = new TierLoad
            {
                Tier = tier.Name,
                Bytes = tier.Bytes ?? fullest,
                Reads = (tier.Hits + (tier.IsOrigin ? reads.Misses : tier.Misses)) * scale,
                Writes = (tier.Promotions + tier.Fills + (tier.IsOrigin ? writes : 0)) * scale,
            };
        }

        return CostEstimate.Of(loads, prices, 1, loads[^1].Bytes, (reads.Hits + reads.Misses) * scale, writes * scale);
    }
}
