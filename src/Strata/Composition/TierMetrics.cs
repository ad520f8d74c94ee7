using System.Diagnostics.Metrics;

namespace Strata;

/// <summary>The counters of all tiers as instruments of the meter <c>Strata</c>; tags are <c>store</c> and <c>tier</c>, never keys.</summary>
internal static class TierMetrics
{
    public static void Register(Meter meter, IReadOnlyDictionary<string, IBlobStore> stores)
    {
        Counter("strata.tier.hits", "Reads that the tier answered", t => t.Hits);
        Counter("strata.tier.misses", "Reads that went on to the next tier", t => t.Misses);
        Counter("strata.tier.promotions", "Copies made because of a read", t => t.Promotions);
        Counter("strata.tier.fills", "Copies made by a write", t => t.Fills);
        Counter("strata.tier.evictions", "Copies dropped to make room", t => t.Evictions);
        Counter("strata.tier.repairs", "Copies dropped because they were damaged or old", t => t.Repairs);
        Counter("strata.tier.errors", "Operations of the tier that failed", t => t.Errors);
        meter.CreateObservableUpDownCounter("strata.tier.blobs", () => Measure(t => t.Blobs), "{blob}", "Blobs held");
        meter.CreateObservableUpDownCounter("strata.tier.bytes", () => Measure(t => t.Bytes), "By", "Bytes held");

        void Counter(string name, string description, Func<TierStatistics, long?> value) =>
            meter.CreateObservableCounter(name, () => Measure(value), unit: null, description);

        IEnumerable<Measurement<long>> Measure(Func<TierStatistics, long?> value)
        {
            foreach ((string name, IBlobStore store) in stores)
            {
                if (!store.TryGetFacet(out ITierInspection? inspection)) continue;
                foreach (TierStatistics tier in inspection.GetTierStatistics())
                {
                    if (value(tier) is { } measured) yield return new(measured, new("store", name), new("tier", tier.Name));
                }
            }
        }
    }
}
