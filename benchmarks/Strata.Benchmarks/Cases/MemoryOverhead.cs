using System.Collections.Concurrent;
using Microsoft.Extensions.Caching.Memory;

namespace Strata.Benchmarks;

/// <summary>
/// What an entry takes besides its key and value: live bytes after a full collection, less those of the same keys and values
/// held as strings and arrays; and whether the store counts what it takes.
/// </summary>
internal sealed class MemoryOverhead : BenchmarkCase
{
    private const int Entries = 400_000;
    private const int Turnover = 4;
    private const int ValueLength = 100;
    private const int Promised = 80;
    private const double LargestError = 1.05;

    public override string Name => "memory-overhead";

    public override string Summary => "bytes an entry of 100 B takes in memory beyond the string and the array of its key and value, live after a full collection; and live bytes by those that count against the budget";

    public override async Task RunAsync(Contest contest)
    {
        (double live, _) = await MeasureAsync(HoldAlone);
        double alone = live - (2.0 * IntPtr.Size * Entries);
        Figures dictionary = await TakeAsync(Hits.DictionaryName, FillDictionary), cache = await TakeAsync(Hits.CacheName, FillCache);
        var promise = new Series("promised", [Promised]);
        foreach (Figures ours in (Figures[])[await TakeAsync("strict", FillStrictAsync), await TakeAsync("evicting", FillEvictingAsync), await TakeAsync("evicting, full", TurnOverAsync)])
        {
            contest.Lower(ours.Name, "B/entry", ours.Overhead, promise, target: 1);
            contest.Lower(ours.Name, "B/entry", ours.Overhead, dictionary.Overhead);
            contest.Lower(ours.Name, "B/entry", ours.Overhead, cache.Overhead);
            contest.Lower($"{ours.Name}, beyond the bytes alone", "B/entry", ours.BeyondBytes, dictionary.BeyondBytes);
            contest.Lower($"{ours.Name}, live", "MiB", ours.Live, ours.Counted, LargestError);
        }

        async Task<Figures> TakeAsync(string name, Func<Task<Held>> fillAsync)
        {
            (double bytes, Held held) = await MeasureAsync(fillAsync);
            return new Figures(
                name,
                new Series(name, [(bytes / held.Count) - (alone / Entries)]),
                new Series(name, [(bytes / held.Count) - KeyOf(0).Length - ValueLength]),
                new Series(name, [bytes / 1048576]),
                new Series("counted", [held.Counted / 1048576.0]));
        }
    }

    private static string KeyOf(int number) => $"objects/{number:x8}";

    private static async Task<(double Bytes, Held Held)> MeasureAsync(Func<Task<Held>> fillAsync)
    {
        long before = LiveBytes();
        Held held = await fillAsync();
        double bytes = LiveBytes() - before;
        GC.KeepAlive(held.Holder);
        if (held.Holder is IDisposable disposable) disposable.Dispose();
        if (held.Holder is IAsyncDisposable store) await store.DisposeAsync();
        return (bytes, held with { Holder = null });
    }

    private static long LiveBytes()
    {
        for (int i = 0; i < 2; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private static Task<Held> HoldAlone()
    {
        string[] keys = [.. Enumerable.Range(0, Entries).Select(KeyOf)];
        byte[][] values = [.. keys.Select(_ => new byte[ValueLength])];
        return Task.FromResult(new Held((keys, values), Entries, 0));
    }

    private static Task<Held> FillDictionary()
    {
        var dictionary = new ConcurrentDictionary<string, byte[]>(StringComparer.Ordinal);
        for (int i = 0; i < Entries; i++) dictionary[KeyOf(i)] = new byte[ValueLength];
        return Task.FromResult(new Held(dictionary, Entries, 0));
    }

    private static Task<Held> FillCache()
    {
        var cache = new MemoryCache(new MemoryCacheOptions { SizeLimit = long.MaxValue });
        for (int i = 0; i < Entries; i++) cache.Set(KeyOf(i), new byte[ValueLength], new MemoryCacheEntryOptions { Size = ValueLength });
        return Task.FromResult(new Held(cache, Entries, 0));
    }

    private static Task<Held> FillStrictAsync() => FillAsync(new MemoryBlobStore(new MemoryBlobStoreOptions { MaxBytes = 1L << 30 }), Entries);

    private static Task<Held> FillEvictingAsync() => FillAsync(new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true, MaxBytes = 1L << 30 }), Entries);

    /// <summary>A budget for as many, through which several times as many have gone.</summary>
    private static Task<Held> TurnOverAsync() => FillAsync(new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true, MaxBytes = Entries * 250L }), Turnover * Entries);

    private static async Task<Held> FillAsync(MemoryBlobStore store, int count)
    {
        for (int i = 0; i < count; i++) await store.PutBytesAsync(BlobKey.Parse(KeyOf(i)), new byte[ValueLength]);
        StoreStatistics statistics = store.GetStatistics();
        return new Held(store, statistics.Blobs, statistics.Bytes);
    }

    /// <summary>What holds some entries, how many, and what it counts for them.</summary>
    private sealed record Held(object? Holder, long Count, long Counted);

    private sealed record Figures(string Name, Series Overhead, Series BeyondBytes, Series Live, Series Counted);
}
