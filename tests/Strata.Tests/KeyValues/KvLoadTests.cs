using System.Numerics;
using Xunit;

namespace Strata.Tests;

/// <summary>The model under load: many random keys, writers and readers at once, and what expiry leaves.</summary>
public abstract class KvLoadTests(KvBackend backend) : KvFixture(backend)
{
    [Fact]
    public async Task Random_tuples_are_listed_in_their_order_from_both_ends()
    {
        KvKey[] keys = [.. DenoVectors.RandomKeys(5_000).Select(parts => KvKey.Of(parts)).Distinct().Order()];
        foreach (KvKey[] some in keys.Chunk(500))
        {
            KvAtomic write = Kv.Atomic();
            foreach (KvKey key in some) write.Set(key, key.ToString());
            await write.CommitAsync();
        }

        List<KvEntry<string>> listed = await Kv.ListAsync<string>(KvSelector.All).ToListAsync();
        Assert.Equal(keys, listed.Select(e => e.Key));
        Assert.All(listed, e => Assert.Equal(e.Key.ToString(), e.Value));
        Assert.Equal(keys.Reverse(), await Kv.ListKeysAsync(KvSelector.All, new KvListOptions { Reverse = true, BatchSize = 7 }).ToListAsync());
        Assert.Equal(keys.Length, await Kv.CountAsync(KvSelector.All));
        Assert.Equal(keys.Length, await Kv.DeleteRangeAsync(KvSelector.All));
    }

    [Fact]
    public async Task Writers_and_readers_at_once_see_whole_values_and_leave_no_chunk()
    {
        Task writers = Task.WhenAll(Enumerable.Range(0, 3).Select(writer => Task.Run(async () =>
        {
            var kv = new Kv(Database);
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
            foreach (KvEntry<byte[]>? entry in await Kv.GetManyAsync<byte[]>([["k", 0], ["k", 1], ["k", 2]]))
            {
                Assert.False(entry?.Value.AsSpan().ContainsAnyExcept((byte)entry.Value.Length) ?? false, "A value is put together from two versions.");
            }
        }
        while (!writers.IsCompleted);
        await writers;
        await Kv.DeleteRangeAsync(KvSelector.All);
        Assert.Equal(1, await EntriesAsync());
    }

    [Fact]
    public async Task An_expired_large_value_is_gone_with_all_its_chunks()
    {
        await Kv.SetAsync(["k"], new byte[300_000], TimeSpan.FromSeconds(1));
        await Kv.Atomic().SumInteger(["n"], BigInteger.Pow(2, 70)).CommitAsync();
        Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await Kv.GetAsync<byte[]>(["k"]));
        Assert.Equal(2, await EntriesAsync());
        await Kv.DeleteAsync(["n"]);
        Assert.Equal(1, await EntriesAsync());
    }

    /// <summary>With the model's own: the marker stays.</summary>
    private async Task<int> EntriesAsync() => (await Database.KeysAsync()).Count;

    public sealed class OverMemory() : KvLoadTests(KvBackend.Memory);

    public sealed class OverDisk() : KvLoadTests(KvBackend.Disk);

    public sealed class OverSqlite() : KvLoadTests(KvBackend.Sqlite);
}
