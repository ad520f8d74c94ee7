namespace Strata.Benchmarks;

/// <summary>What the access tracker takes a key.</summary>
internal sealed class AccessMemory : BenchmarkCase
{
    private const int Promised = 60;

    public override string Name => "access-memory";

    public override string Summary => "bytes that the access tracker takes a key of 24 B beyond the key, at 10,000 to 1,000,000 keys, against what is promised; and live bytes after a full collection by those that it counts";

    public override Task RunAsync(Contest contest)
    {
        foreach (int keys in (int[])[10_000, 100_000, 1_000_000])
        {
            long before = GC.GetTotalMemory(forceFullCollection: true);
            using var tracker = new AccessTracker(null, new AccessTrackerOptions { MaxBytes = 1L << 30 });
            for (int i = 0; i < keys; i++) tracker.RecordWrite(BlobKey.Parse($"collection/{i:d13}"));
            long live = GC.GetTotalMemory(forceFullCollection: true) - before;
            AccessTrackerStatistics figures = tracker.GetStatistics();
            Sink.Expect(figures.Keys, keys);
            contest.Lower($"{keys:#,0} keys", "B/key", new Series("tracker", [((double)figures.Bytes / keys) - 24]), new Series("promised", [Promised]), 1);
            contest.Lower($"{keys:#,0} keys, live", "MiB", new Series("live", [live / 1048576.0]), new Series("counted", [figures.Bytes / 1048576.0]), 1.05);
        }

        return Task.CompletedTask;
    }
}
