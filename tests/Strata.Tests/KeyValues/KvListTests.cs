using System.Text.Json;
using Xunit;

namespace Strata.Tests;

public abstract class KvListTests(KvBackend backend) : KvFixture(backend)
{
    public static TheoryData<string> BadCursors => ["*", "a", "AQ==AQ==", "é", new string('A', 4_000), Convert.ToBase64String(new byte[2_048])];

    [Fact]
    public async Task Lists_and_cursors_are_Denos()
    {
        KvKey[] keys = [["c"], ["c", 0.0], ["c", 1.0], ["c", 1.0, "x"], ["c", 2], ["c", "é"], ["c", "t\0u"], ["c", new byte[] { 0, 255 }], ["c", true], ["d", 1.0], ["d", 2.0]];
        foreach (KvKey key in keys) await Kv.SetAsync(key, 1.0);
        IReadOnlyList<JsonElement> lines = DenoVectors.Read("deno-cursors.jsonl");
        Assert.Equal(14, lines.Count);
        foreach (JsonElement line in lines)
        {
            KvKey? prefix = One(line, "prefix"), start = One(line, "start"), end = One(line, "end");
            KvSelector selector = prefix is { } p ? KvSelector.Prefix(p, start, end) : KvSelector.Range(start!.Value, end!.Value);
            bool reverse = line.GetProperty("reverse").GetBoolean();
            string[] found = [.. line.GetProperty("found").EnumerateArray().Select(e => KvKey.Parse(e.GetString()!).ToString())];
            string[] after = [.. line.GetProperty("after").EnumerateArray().Select(e => e.GetString()!)];
            KvKey[] listed = [.. await Kv.ListKeysAsync(selector, new KvListOptions { Reverse = reverse }).ToListAsync()];
            Assert.Equal(found, listed.Select(k => k.ToString()));
            Assert.Equal(after, listed.Select(selector.CursorAfter));
            for (int i = 0; i < after.Length; i++)
            {
                List<KvKey> rest = await Kv.ListKeysAsync(selector, new KvListOptions { Reverse = reverse, Cursor = after[i] }).ToListAsync();
                Assert.Equal(found[(i + 1)..], rest.Select(k => k.ToString()));
            }
        }

        static KvKey? One(JsonElement line, string name) => line.TryGetProperty(name, out JsonElement text) ? KvKey.Parse(text.GetString()!) : null;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(1_000)]
    public async Task A_list_is_the_same_whatever_its_batches(int batch)
    {
        for (int i = 0; i < 10; i++) await Kv.SetAsync(["p", i], i);
        await Kv.SetAsync(["q"], 1);
        var selector = KvSelector.Prefix(["p"]);
        Assert.Equal(Enumerable.Range(0, 10), await ValuesAsync(new KvListOptions { BatchSize = batch }));
        Assert.Equal(Enumerable.Range(0, 10).Reverse(), await ValuesAsync(new KvListOptions { BatchSize = batch, Reverse = true }));
        Assert.Equal([0, 1, 2, 3], await ValuesAsync(new KvListOptions { BatchSize = batch, Limit = 4 }));
        Assert.Equal([9, 8], await ValuesAsync(new KvListOptions { BatchSize = batch, Limit = 2, Reverse = true }));
        Assert.Equal([4, 5], await ValuesAsync(new KvListOptions { BatchSize = batch, Limit = 2, Cursor = selector.CursorAfter(["p", 3]) }));
        Assert.Equal(10, await Kv.CountAsync(selector));
        Assert.Equal(11, await Kv.CountAsync(KvSelector.All));

        async Task<IEnumerable<int>> ValuesAsync(KvListOptions options) => (await Kv.ListAsync<int>(selector, options).ToListAsync()).Select(e => e.Value);
    }

    [Fact]
    public async Task Keys_alone_are_listed_without_their_values()
    {
        await Kv.SetAsync(["k"], "value");
        Database.TakeAsked();
        Assert.Equal(["[\"k\"]"], (await Kv.ListKeysAsync(KvSelector.All).ToListAsync()).Select(k => k.ToString()));
        await Kv.CountAsync(KvSelector.All);
        Assert.All(Database.TakeAsked(), range => Assert.True(range.KeysOnly));
    }

    [Fact]
    public async Task The_models_own_keys_are_in_no_list()
    {
        await Kv.SetAsync(["large"], new byte[100_000]);
        Assert.NotEmpty(await Database.OwnKeysAsync());
        Assert.Equal(["[\"large\"]"], (await Kv.ListKeysAsync(KvSelector.All).ToListAsync()).Select(k => k.ToString()));
        Assert.Equal(1, await Kv.CountAsync(KvSelector.Range(default, KvKey.OfEncoded(new byte[] { 0xFE, 0xFF }))));
    }

    [Theory]
    [MemberData(nameof(BadCursors), DisableDiscoveryEnumeration = true)]
    public void A_bad_cursor_is_refused_at_once(string cursor)
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => Kv.ListKeysAsync(KvSelector.Prefix(["p"]), new KvListOptions { Cursor = cursor }));
        Assert.Contains("cursor", e.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(0, Database.Reads);
    }

    [Fact]
    public void A_cursor_of_another_list_is_refused()
    {
        var selector = KvSelector.Prefix(["p"], start: ["p", 5]);
        string cursor = KvSelector.Prefix(["p"]).CursorAfter(["p", 1]);
        Assert.Contains("another list's", Assert.Throws<ArgumentException>(() => Kv.ListKeysAsync(selector, new KvListOptions { Cursor = cursor })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => selector.CursorAfter(["p", 1]));
        Assert.Throws<ArgumentException>(() => selector.CursorAfter(["q"]));
    }

    [Fact]
    public void Options_that_make_no_sense_are_refused()
    {
        Assert.Contains("1 or more, not 0", Assert.Throws<ArgumentException>(() => Kv.ListKeysAsync(KvSelector.All, new KvListOptions { Limit = 0 })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Kv.ListKeysAsync(KvSelector.All, new KvListOptions { BatchSize = 0 }));
        Assert.Contains("1 to 1000, not 1001", Assert.Throws<ArgumentException>(() => Kv.ListKeysAsync(KvSelector.All, new KvListOptions { BatchSize = 1_001 })).Message, StringComparison.Ordinal);
        Assert.Contains("does not begin with the prefix", Assert.Throws<ArgumentException>(() => KvSelector.Prefix(["p"], start: ["q"])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => KvSelector.Prefix(["p"], end: ["p"]));
        Assert.Throws<ArgumentException>(() => KvSelector.Prefix(["p"], start: ["p\0"]));
        Assert.Contains("ends before it starts", Assert.Throws<ArgumentException>(() => KvSelector.Range(["b"], ["a"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_range_is_empty()
    {
        await Kv.SetAsync(["a"], 1);
        Assert.Equal(0, await Kv.CountAsync(KvSelector.Range(["a"], ["a"])));
    }

    [Fact]
    public async Task A_key_that_is_no_tuple_does_not_stop_a_list()
    {
        await Database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(new byte[] { 3 }, KvValue.OfBytes(new byte[] { 1 }))] }, default);
        KvEntry<byte[]> entry = Assert.Single(await Kv.ListAsync<byte[]>(KvSelector.All).ToListAsync());
        Assert.Equal((false, "0x03"), (entry.Key.IsTuple, entry.Key.ToString()));
        await Kv.DeleteAsync(entry.Key);
        Assert.Empty(await Database.KeysAsync());
    }

    [Fact]
    public async Task A_range_is_removed_in_batches_and_told()
    {
        for (int i = 0; i < 1_200; i++) await Kv.SetAsync(["p", i], i);
        await Kv.SetAsync(["q"], 1);
        List<long> told = [];
        int before = Database.Writes;
        Assert.Equal(1_200, await Kv.DeleteRangeAsync(KvSelector.Prefix(["p"]), new Told(told)));
        Assert.Equal([500, 1_000, 1_200], told);
        Assert.Equal(before + 3, Database.Writes);
        Assert.Equal(["[\"q\"]"], (await Database.KeysAsync()).Select(k => k.ToString()));
        Assert.Equal(0, await Kv.DeleteRangeAsync(KvSelector.Prefix(["p"])));
    }

    [Fact]
    public async Task A_range_of_long_keys_is_removed_within_the_limits()
    {
        var kv = new Kv(await OpenAsync(KvLimits.Deno));
        for (int i = 0; i < 100; i++) await kv.SetAsync([new string('k', 2_000), i], i);
        Assert.Equal(100, await kv.DeleteRangeAsync(KvSelector.All));
        Assert.Equal(0, await kv.CountAsync(KvSelector.All));
    }

    private sealed class Told(List<long> told) : IProgress<long>
    {
        public void Report(long value) => told.Add(value);
    }

    public sealed class OverMemory() : KvListTests(KvBackend.Memory);

    public sealed class OverDisk() : KvListTests(KvBackend.Disk);

    public sealed class OverSqlite() : KvListTests(KvBackend.Sqlite);
}
