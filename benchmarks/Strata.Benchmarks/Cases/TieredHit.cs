namespace Strata.Benchmarks;

/// <summary>
/// A hit in the fastest of two tiers, through the contract: what the tier layer adds to the bare store, and what one more
/// layer adds to that. The tiers' instruments are listened to all the while.
/// </summary>
internal sealed class TieredHit : BenchmarkCase
{
    private const double Target = 1.3;

    public override string Name => "tiered-hit";

    public override string Summary => "a hit through two tiers, by IBlobStore.ReadAsync, through one more layer above them, and over an origin that others may write to (FreshFor), with telemetry: Zipf 0.99, 90,000 blobs of 100 B resident, one thread";

    public override async Task RunAsync(Contest contest)
    {
        using var hits = new Hits();
        await using TieredBlobStore tiers = await hits.FillTiersAsync();
        await using TieredBlobStore fresh = await hits.FillTiersAsync(TimeSpan.FromHours(1));
        var layer = new PassingLayer(tiers);
        using var telemetry = new Telemetry(tiers);

        Lane dictionary = contest.Add(Hits.DictionaryName, hits.HitDictionary);
        Lane cache = contest.Add(Hits.CacheName, hits.HitCache);
        Lane bare = contest.Add("ReadAsync", hits.ReadAsync(tiers));
        Lane layered = contest.Add("ReadAsync, 1 layer above", hits.ReadAsync(layer));
        Lane asking = contest.Add("ReadAsync, FreshFor", hits.ReadAsync(fresh));
        await contest.RunAsync();
        Hits.AddRows(contest, bare, [dictionary, cache]);
        Hits.AddRows(contest, layered, [dictionary, cache], Target);
        Hits.AddRows(contest, asking, [dictionary, cache]);
        Sink.Expect(telemetry.HasMeasured ? 1 : 0, 1);
    }
}
