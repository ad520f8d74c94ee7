namespace Strata.Benchmarks;

/// <summary>
/// A hit in the fastest of two tiers, through the contract: what the tier layer adds to the bare store. The origin holds
/// the same blobs and is not asked.
/// </summary>
internal sealed class TieredHit : BenchmarkCase
{
    public override string Name => "tiered-hit";

    public override string Summary => "a hit through two tiers, by IBlobStore.ReadAsync: Zipf 0.99, 90,000 blobs of 100 B resident, one thread";

    public override async Task RunAsync(Contest contest)
    {
        using var hits = new Hits();
        await using var hot = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true });
        await using var cold = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" });
        await using var tiers = new TieredBlobStore([new Tier { Name = "hot", Store = hot }, new Tier { Name = "cold", Store = cold }]);
        await hits.FillAsync(tiers);

        Lane dictionary = contest.Add(Hits.DictionaryName, hits.HitDictionary);
        Lane cache = contest.Add(Hits.CacheName, hits.HitCache);
        Lane ours = contest.Add("ReadAsync", hits.ReadAsync(tiers));
        await contest.RunAsync();
        Hits.AddRows(contest, [ours], [dictionary, cache]);
    }
}
