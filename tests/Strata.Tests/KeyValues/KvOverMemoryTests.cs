using System.Numerics;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>The model over a real backend: what the other tests show over the simplest one holds there too.</summary>
public sealed class KvOverMemoryTests : IAsyncDisposable
{
    private readonly FakeClock _clock = new();
    private readonly MemoryKvDatabase _database;
    private readonly Kv _kv;

    public KvOverMemoryTests()
    {
        _database = new MemoryKvDatabase(null, new StoreContext { Clock = _clock });
        _kv = new Kv(_database, new KvOptions { Clock = _clock });
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task Random_tuples_are_listed_in_their_order_from_both_ends()
    {
        KvKey[] keys = [.. DenoVectors.RandomKeys(5_000).Select(parts => KvKey.Of(parts)).Distinct().Order()];
        foreach (KvKey[] some in keys.Chunk(500))
        {
            KvAtomic write = _kv.Atomic();
            foreach (KvKey key in some) write.Set(key, key.ToString());
            await write.CommitAsync();
        }

        List<KvEntry<string>> listed = await _kv.ListAsync<string>(KvSelector.All).ToListAsync();
        Assert.Equal(keys, listed.Select(e => e.Key));
        Assert.All(listed, e => Assert.Equal(e.Key.ToString(), e.Value));
        Assert.Equal(keys.Reverse(), await _kv.ListKeysAsync(KvSelector.All, new KvListOptions { Reverse = true, BatchSize = 7 }).ToListAsync());
        Assert.Equal(keys.Length, await _kv.CountAsync(KvSelector.All));
        Assert.Equal(keys.Length, await _kv.DeleteRangeAsync(KvSelector.All));
    }

    [Fact]
    public async Task Writers_and_readers_at_once_see_whole_values_and_leave_no_chunk()
    {
        Task writers = Task.WhenAll(Enumerable.Range(0, 3).Select(writer => Task.Run(async () =>
        {
            var kv = new Kv(_database);
            var random = new Random(writer);
            for (int i = 0; i < 100; i++)
            {
                KvKey key = ["k", random.Next(3)];
                int length = random.Next(2) == 0 ? 10 : 70_000 + random.Next(100_000);
                if (random.Next(4) == 0) await kv.DeleteAsync(key);
                else await kv.SetAsync(key, Enumerable.Repeat((byte)length, length).ToArray());
            }
        })));
        do
        {
            foreach (KvEntry<byte[]>? entry in await _kv.GetManyAsync<byte[]>([["k", 0], ["k", 1], ["k", 2]]))
            {
                Assert.False(entry?.Value.AsSpan().ContainsAnyExcept((byte)entry.Value.Length) ?? false, "A value is put together from two versions.");
            }
        }
        while (!writers.IsCompleted);
        await writers;
        await _kv.DeleteRangeAsync(KvSelector.All);
        Assert.Equal(1, await EntriesAsync());
    }

    [Fact]
    public async Task An_expired_large_value_is_gone_with_all_its_chunks()
    {
        await _kv.SetAsync(["k"], new byte[300_000], TimeSpan.FromSeconds(1));
        await _kv.Atomic().SumInteger(["n"], BigInteger.Pow(2, 70)).CommitAsync();
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await _kv.GetAsync<byte[]>(["k"]));
        Assert.Equal(2, await EntriesAsync());
        await _kv.DeleteAsync(["n"]);
        Assert.Equal(1, await EntriesAsync());
    }

    /// <summary>With the model's own: the marker stays.</summary>
    private async Task<int> EntriesAsync()
    {
        IReadOnlyList<KvRange> all = await _database.SnapshotReadAsync([new ReadRange(new byte[] { 0 }, new byte[] { 0xFF, 0xFF }, 1_000, KeysOnly: true)], null, default);
        return all[0].Entries.Count;
    }
}
