namespace Strata.Benchmarks;

/// <summary>A hit in the bare memory store, by the synchronous facet and through the contract.</summary>
internal sealed class MemoryHit : BenchmarkCase
{
    private const double Target = 0.9;

    public override string Name => "memory-hit";

    public override string Summary => "a hit in the memory store: Zipf 0.99, 90,000 blobs of 100 B resident, one thread";

    public override async Task RunAsync(Contest contest)
    {
        using var hits = new Hits();
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true });
        await hits.FillAsync(store);

        Lane dictionary = contest.Add(Hits.DictionaryName, hits.HitDictionary);
        Lane cache = contest.Add(Hits.CacheName, hits.HitCache);
        Lane tryRead = contest.Add("TryRead", hits.TryRead(store));
        Lane readAsync = contest.Add("ReadAsync", hits.ReadAsync(store));
        await contest.RunAsync();
        Hits.AddRows(contest, tryRead, [dictionary, cache], Target);
        Hits.AddRows(contest, readAsync, [dictionary, cache]);
    }
}
