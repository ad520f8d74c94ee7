namespace Strata.Benchmarks;

/// <summary>
/// A hit in the fastest of two tiers, through the contract: what the tier layer adds to the bare store.
/// </summary>
internal sealed class TieredHit : BenchmarkCase
{
    public override string Name => "tiered-hit";

    public override string Summary => "a hit through two tiers, by IBlobStore.ReadAsync: Zipf 0.99, 90,000 blobs of 100 B resident, one thread";

    public override async Task RunAsync(Contest contest)
    {
        using var hits = new Hits();
        await using TieredBlobStore tiers = await hits.FillTiersAsync();

        Lane dictionary = contest.Add(Hits.DictionaryName, hits.HitDictionary);
        Lane cache = contest.Add(Hits.CacheName, hits.HitCache);
        Lane ours = contest.Add("ReadAsync", hits.ReadAsync(tiers));
        await contest.RunAsync();
        Hits.AddRows(contest, [ours], [dictionary, cache]);
    }
}
