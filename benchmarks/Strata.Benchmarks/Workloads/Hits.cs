using System.Collections.Concurrent;
using Microsoft.Extensions.Caching.Memory;

namespace Strata.Benchmarks;

/// <summary>
/// The same resident set in ours and in the peers, and the loops that hit it: 90,000 blobs of 100 bytes, asked for by
/// <see cref="ZipfKeys"/>. A loop takes a thread's number, so that threads begin at different places of the order.
/// </summary>
internal sealed class Hits : IDisposable
{
    public const string DictionaryName = "ConcurrentDictionary";
    public const string CacheName = "MemoryCache";
    private const int Resident = 90_000;
    private const int ValueLength = 100;
    private const int ThreadStride = 400_009;
    private readonly ZipfKeys _keys = new(Resident);
    private readonly WorkFolder _folder = new();

    public Hits()
    {
        foreach (string key in _keys.Stored)
        {
            Dictionary[key] = new byte[ValueLength];
            Cache.Set(key, new byte[ValueLength], new MemoryCacheEntryOptions { Size = ValueLength });
        }
    }

    public ConcurrentDictionary<string, byte[]> Dictionary { get; } = new(StringComparer.Ordinal);

    /// <summary>With a limit in bytes, as ours has one; it is never reached.</summary>
    public MemoryCache Cache { get; } = new(new MemoryCacheOptions { SizeLimit = 128 << 20 });

    /// <summary>Memory over disk, filled. The origin holds the same blobs, and no hit asks it.</summary>
    /// <param name="freshFor">As where others write to the origin: how long a copy is served without asking it.</param>
    public async Task<TieredBlobStore> FillTiersAsync(TimeSpan? freshFor = null)
    {
        string folder = _folder[freshFor is null ? "cold" : "shared"];
        var tiers = new TieredBlobStore(
            [
                new Tier { Name = "hot", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true }) },
                new Tier { Name = "cold", Store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = folder, Durability = DiskDurability.OperatingSystem }) },
            ],
            new TieringOptions { FreshFor = freshFor });
        await FillAsync(tiers);
        return tiers;
    }

    public async Task FillAsync(IBlobStore store)
    {
        foreach (string key in _keys.Stored) await store.PutBytesAsync(BlobKey.Parse(key), new byte[ValueLength]);
    }

    public void Dispose()
    {
        Cache.Dispose();
        _folder.Dispose();
    }

    /// <summary>The peer that is the limit.</summary>
    public Task HitDictionary(int thread, int operations)
    {
        int[] order = _keys.Order;
        string[] asked = _keys.Asked;
        long found = 0;
        for (int i = thread * ThreadStride, end = i + operations; i < end; i++)
        {
            if (Dictionary.TryGetValue(asked[order[i & _keys.Mask]], out byte[]? value)) found += value.Length;
        }

        return Expect(found, operations);
    }

    /// <summary>The peer that most programs have.</summary>
    public Task HitCache(int thread, int operations)
    {
        int[] order = _keys.Order;
        string[] asked = _keys.Asked;
        long found = 0;
        for (int i = thread * ThreadStride, end = i + operations; i < end; i++)
        {
            if (Cache.TryGetValue(asked[order[i & _keys.Mask]], out byte[]? value)) found += value!.Length;
        }

        return Expect(found, operations);
    }

    /// <summary>Ours by the synchronous facet.</summary>
    public Func<int, int, Task> TryRead(ISharedReads store) => (thread, operations) =>
    {
        int[] order = _keys.Order;
        BlobKey[] asked = _keys.AskedKeys;
        long found = 0;
        for (int i = thread * ThreadStride, end = i + operations; i < end; i++)
        {
            if (store.TryRead(asked[order[i & _keys.Mask]], out BlobReadResult? hit)) found += hit.Length;
        }

        return Expect(found, operations);
    };

    /// <summary>Ours through the contract, awaited and disposed of as a caller does.</summary>
    public Func<int, int, Task> ReadAsync(IBlobStore store) => async (thread, operations) =>
    {
        int[] order = _keys.Order;
        BlobKey[] asked = _keys.AskedKeys;
        long found = 0;
        for (int i = thread * ThreadStride, end = i + operations; i < end; i++)
        {
            await using BlobReadResult? hit = await store.ReadAsync(asked[order[i & _keys.Mask]]);
            if (hit is not null) found += hit.Length;
        }

        await Expect(found, operations);
    };

    /// <summary>Time and bytes allocated of a lane, against each peer.</summary>
    /// <param name="contest">Whose rows they are.</param>
    /// <param name="ours">The lane.</param>
    /// <param name="peers">The dictionary first.</param>
    /// <param name="target">The time that we are after, as a multiple of the dictionary's; null for none.</param>
    public static void AddRows(Contest contest, Lane ours, IReadOnlyList<Lane> peers, double? target = null)
    {
        for (int i = 0; i < peers.Count; i++)
        {
            contest.Lower($"{ours.Name}, time", "ns/hit", Series.Nanoseconds(ours), Series.Nanoseconds(peers[i]), i == 0 ? target : null);
            contest.Lower($"{ours.Name}, allocated", "B/hit", Series.AllocatedBytes(ours), Series.AllocatedBytes(peers[i]), target: 1);
        }
    }

    private static Task Expect(long found, int operations)
    {
        Sink.Expect(found, (long)operations * ValueLength);
        return Task.CompletedTask;
    }
}
