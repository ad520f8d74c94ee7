namespace Strata.Benchmarks;

/// <summary>What a second thread brings: a hit that writes to shared memory (a counter, a list of what was used) shows here.</summary>
internal sealed class HitScaling : BenchmarkCase
{
    private const int Threads = 2;
    private const double Target = 0.95;

    public override string Name => "hit-scaling";

    public override string Summary => "hits a second on two threads, as a multiple of one thread";

    public override async Task RunAsync(Contest contest)
    {
        using var hits = new Hits();
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true });
        await using TieredBlobStore tiers = await hits.FillTiersAsync();
        var layer = new PassingLayer(tiers);
        using var telemetry = new Telemetry(tiers);
        await hits.FillAsync(store);

        (Lane One, Lane Many) dictionary = Add(Hits.DictionaryName, hits.HitDictionary);
        (Lane One, Lane Many) cache = Add(Hits.CacheName, hits.HitCache);
        (Lane One, Lane Many)[] ours =
        [
            Add("TryRead", hits.TryRead(store)),
            Add("ReadAsync", hits.ReadAsync(store)),
            Add("tiers' ReadAsync, 1 layer above", hits.ReadAsync(layer)),
        ];
        await contest.RunAsync();
        foreach ((Lane one, Lane many) in ours)
        {
            contest.Higher($"{one.Name}, scaling", "× 1 thread", Series.Scaling(one, many), Series.Scaling(dictionary.One, dictionary.Many), Target);
            contest.Higher($"{one.Name}, scaling", "× 1 thread", Series.Scaling(one, many), Series.Scaling(cache.One, cache.Many));
        }

        (Lane, Lane) Add(string name, Func<int, int, Task> work) => (contest.Add(name, work), contest.Add(name, work, Threads));
    }
}
