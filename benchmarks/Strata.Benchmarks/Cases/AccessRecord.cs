namespace Strata.Benchmarks;

/// <summary>What it costs a hit that its access is recorded, on one thread and on two, while the tracker drains in the background.</summary>
internal sealed class AccessRecord : BenchmarkCase
{
    private const int Threads = 2;
    private const double Target = 1.2;

    public override string Name => "access-record";

    public override string Summary => "a hit in the memory store that is recorded, and thereby counted, as the tier layer does, against one that is not: Zipf 0.99, 90,000 blobs of 100 B resident, one thread and two; and RecordAccess alone";

    public override async Task RunAsync(Contest contest)
    {
        using var hits = new Hits();
        using var tracker = new AccessTracker();
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true });
        await hits.FillAsync(store);
        var passed = new PassedReads(store);
        var tracked = new TrackedReads(store, tracker);
        BlobReadResult any = (await store.ReadAsync(BlobKey.Parse("objects/00000000")))!;

        Lane bare = contest.Add("TryRead", hits.TryRead(passed));
        Lane recorded = contest.Add("TryRead, recorded", hits.TryRead(tracked));
        Lane bareTwice = contest.Add("TryRead, 2 threads", hits.TryRead(passed), Threads);
        Lane recordedTwice = contest.Add("TryRead, recorded, 2 threads", hits.TryRead(tracked), Threads);
        Lane nothing = contest.Add("nothing", hits.TryRead(new PassedReads(new OneRead(any))));
        Lane alone = contest.Add("RecordAccess", hits.TryRead(new TrackedReads(new OneRead(any), tracker)));
        await contest.RunAsync();
        contest.Lower("hit, recorded", "ns", Series.Nanoseconds(recorded), Series.Nanoseconds(bare), Target);
        contest.Lower("hit, recorded, allocated", "B", Series.AllocatedBytes(recorded), Series.AllocatedBytes(bare), 1);
        contest.Lower("hit, recorded, 2 threads", "ns", Series.Nanoseconds(recordedTwice), Series.Nanoseconds(bareTwice), Target);
        contest.Lower("RecordAccess, alone", "ns", new Series("RecordAccess", [Series.Nanoseconds(alone).Median - Series.Nanoseconds(nothing).Median]), Series.Nanoseconds(bare));
        Sink.Expect(tracker.GetStatistics().Keys > 0 ? 1 : 0, 1);
    }
}
