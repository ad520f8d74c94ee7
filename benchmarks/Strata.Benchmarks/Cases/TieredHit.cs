namespace Strata.Benchmarks;

/// <summary>
/// A hit in the fastest of two tiers, through the contract: what the tier layer adds to the bare memory store, on one thread and on two
/// that record their hits in one tracker, and what one more layer adds to that. The tiers' instruments are listened to all the while.
/// </summary>
internal sealed class TieredHit : BenchmarkCase
{
    private const int Threads = 2;
    private const double Target = 1.3;

    public override string Name => "tiered-hit";

    public override string Summary => "a hit through two tiers, by IBlobStore.ReadAsync, recorded in the tracker: alone, by two threads, through one more layer, and over an origin that others may write to (FreshFor), with telemetry; against the bare memory store and dictionaries: Zipf 0.99, 90,000 blobs of 100 B resident";

    public override async Task RunAsync(Contest contest)
    {
        using var hits = new Hits();
        await using var memory = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true });
        await hits.FillAsync(memory);
        await using TieredBlobStore tiers = await hits.FillTiersAsync();
        await using TieredBlobStore fresh = await hits.FillTiersAsync(TimeSpan.FromHours(1));
        var layer = new PassingLayer(tiers);
        using var telemetry = new Telemetry(tiers);

        Lane dictionary = contest.Add(Hits.DictionaryName, hits.HitDictionary);
        Lane cache = contest.Add(Hits.CacheName, hits.HitCache);
        (Lane One, Lane Two) store = Add("memory store", memory);
        (Lane One, Lane Two)[] ours = [Add("ReadAsync", tiers), Add("ReadAsync, 1 layer above", layer), Add("ReadAsync, FreshFor", fresh)];
        await contest.RunAsync();
        foreach ((Lane one, Lane two) in ours)
        {
            contest.Lower($"{one.Name}, time", "ns/hit", Series.Nanoseconds(one), Series.Nanoseconds(store.One), one == ours[0].One ? Target : null);
            contest.Lower($"{two.Name}, time", "ns/hit", Series.Nanoseconds(two), Series.Nanoseconds(store.Two), two == ours[0].Two ? Target : null);
            Hits.AddRows(contest, one, [dictionary, cache], one == ours[1].One ? Target : null);
        }

        Sink.Expect(telemetry.HasMeasured ? 1 : 0, 1);
        Sink.Expect(tiers.Tracker.GetStatistics().Keys > 0 ? 1 : 0, 1);

        (Lane, Lane) Add(string name, IBlobStore read) => (contest.Add(name, hits.ReadAsync(read)), contest.Add($"{name}, 2 threads", hits.ReadAsync(read), Threads));
    }
}
