using System.Diagnostics.Metrics;

namespace Strata;

/// <summary>The counters of all tiers as instruments of the meter <c>Strata</c>; tags are <c>store</c> and <c>tier</c>, never keys.</summary>
internal static class TierMetrics
{
    public static void Register(Meter meter, IReadOnlyDictionary<string, IBlobStore> stores, TimeProvider clock)
    {
        Counter("strata.tier.hits", "Reads that the tier answered", t => t.Hits);
        Counter("strata.tier.misses", "Reads that went on to the next tier", t => t.Misses);
        Counter("strata.tier.promotions", "Copies made because of a read", t => t.Promotions);
        Counter("strata.tier.fills", "Copies made by a write", t => t.Fills);
        Counter("strata.tier.demotions", "Blobs taken to a slower tier", t => t.Demotions);
        Counter("strata.tier.evictions", "Copies dropped to make room", t => t.Evictions);
        Counter("strata.tier.repairs", "Copies dropped because they were damaged or old", t => t.Repairs);
        Counter("strata.tier.stale_reads", "Reads answered with a copy past its freshness, as the origin was out", t => t.StaleReads);
        Counter("strata.tier.errors", "Operations of the tier that failed", t => t.Errors);
        Counter("strata.tier.read_bytes", "Payload bytes read; not of tiers whose hits are handed out without a call", t => t.BytesRead);
        Counter("strata.tier.written_bytes", "Payload bytes written", t => t.BytesWritten);
        meter.CreateObservableCounter("strata.store.misses", () => MeasureStores<ITierInspection>(store => store.GetReads().Misses), unit: null, "Reads that found the blob in no tier, one a read");
        Level("strata.tier.blobs", "{blob}", "Blobs held", t => t.Blobs);
        Level("strata.tier.bytes", "By", "Bytes held", t => t.Bytes);
        Level("strata.tier.file_bytes", "By", "Bytes of its files, garbage and spares included", t => t.FileBytes);
        Level("strata.tier.pending", "{blob}", "Keys that the origin does not have the last write of yet", t => t.WriteBack?.Pending);
        Level("strata.tier.pending_bytes", "By", "Bytes of blobs that the origin does not have yet", t => t.WriteBack?.PendingBytes);
        Level("strata.tier.dead_letters", "{blob}", "Of those the ones that were given up", t => t.WriteBack?.Dead);
        meter.CreateObservableGauge("strata.tier.pending_age", () => MeasureTiers(t => t.WriteBack is { Oldest: { } oldest } ? Math.Max(0, (long)(clock.GetUtcNow() - oldest).TotalSeconds) : null), "s", "Age of the oldest write that the origin does not have yet");
        meter.CreateObservableGauge("strata.tier.fault", () => MeasureTiers(t => t.Fault is null ? 0 : 1), unit: null, "1 while something is wrong with the tier's store");

        Run("strata.tiering.runs", "Tiering runs that came to an end", t => t.Runs);
        Run("strata.tiering.failed_runs", "Tiering runs that ended by an error", t => t.FailedRuns);
        Run("strata.tiering.promoted", "Blobs that runs took to a faster tier", t => t.Promoted);
        Run("strata.tiering.demoted", "Blobs that runs took to a slower tier", t => t.Demoted);
        Run("strata.tiering.bytes", "Bytes that runs copied", t => t.Bytes);
        Run("strata.tiering.failed", "Blobs of which a tier failed in a run", t => t.Failed);

        void Counter(string name, string description, Func<TierStatistics, long?> value) =>
            meter.CreateObservableCounter(name, () => MeasureTiers(value), unit: null, description);

        void Level(string name, string unit, string description, Func<TierStatistics, long?> value) =>
            meter.CreateObservableUpDownCounter(name, () => MeasureTiers(value), unit, description);

        void Run(string name, string description, Func<TieringStatus, long> value) =>
            meter.CreateObservableCounter(name, () => MeasureStores<ITiering>(store => value(store.GetTieringStatus())), unit: null, description);

        IEnumerable<Measurement<long>> MeasureStores<T>(Func<T, long> value)
            where T : class
        {
            foreach ((string name, IBlobStore store) in stores)
            {
                if (store.TryGetFacet(out T? facet)) yield return new(value(facet), new KeyValuePair<string, object?>("store", name));
            }
        }

        IEnumerable<Measurement<long>> MeasureTiers(Func<TierStatistics, long?> value)
        {
            foreach ((string name, IBlobStore store) in stores)
            {
                foreach (TierStatistics tier in StoreTiers.AllOf(name, store))
                {
                    if (value(tier) is { } measured) yield return new(measured, new("store", name), new("tier", tier.Name));
                }
            }
        }
    }
}
