namespace Strata.Benchmarks;

/// <summary>What it costs a hit that its access is recorded, on one thread and on two, while the tracker drains in the background.</summary>
internal sealed class AccessRecord : BenchmarkCase
{
    private const int Threads = 2;
    private const double Target = 1.1;

    public override string Name => "access-record";

    public override string Summary => "a hit in the memory store whose access is recorded, against the bare hit: Zipf 0.99, 90,000 blobs of 100 B resident, one thread and two";

    public override async Task RunAsync(Contest contest)
    {
        using var hits = new Hits();
        using var tracker = new AccessTracker();
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true });
        await hits.FillAsync(store);
        var tracked = new TrackedReads(store, tracker);

        Lane bare = contest.Add("TryRead", hits.TryRead(store));
        Lane recorded = contest.Add("TryRead, recorded", hits.TryRead(tracked));
        Lane bareTwice = contest.Add("TryRead, 2 threads", hits.TryRead(store), Threads);
        Lane recordedTwice = contest.Add("TryRead, recorded, 2 threads", hits.TryRead(tracked), Threads);
        await contest.RunAsync();
        contest.Lower("hit, recorded", "ns", Series.Nanoseconds(recorded), Series.Nanoseconds(bare), Target);
        contest.Lower("hit, recorded, allocated", "B", Series.AllocatedBytes(recorded), Series.AllocatedBytes(bare), 1);
        contest.Lower("hit, recorded, 2 threads", "ns", Series.Nanoseconds(recordedTwice), Series.Nanoseconds(bareTwice), Target);
        contest.Lower("what is recorded takes", "ns", new Series("RecordAccess", recorded.Samples.Zip(bare.Samples, (r, b) => (r.Elapsed.TotalNanoseconds / r.Operations) - (b.Elapsed.TotalNanoseconds / b.Operations))), Series.Nanoseconds(bare));
        Sink.Expect(tracker.GetStatistics().Keys > 0 ? 1 : 0, 1);
    }
}
