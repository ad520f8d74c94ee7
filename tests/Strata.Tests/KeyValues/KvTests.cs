using System.Numerics;
using System.Text.Json.Serialization;
using Xunit;

namespace Strata.Tests;

public abstract partial class KvTests(KvBackend backend) : KvFixture(backend)
{
    protected override KvOptions Options => new() { Codecs = KvCodecs.Default.With(ModelJson.Default), Clock = Clock };

    [Fact]
    public async Task A_value_comes_back_in_its_type()
    {
        await RoundTripAsync("text \uD800 😀");
        await RoundTripAsync(new byte[] { 0, 255 });
        await RoundTripAsync(ulong.MaxValue);
        await RoundTripAsync(long.MinValue);
        await RoundTripAsync(-5);
        await RoundTripAsync(1.5);
        await RoundTripAsync(true);
        await RoundTripAsync(BigInteger.Pow(-7, 99));
        await RoundTripAsync(new Person("Ada", 36));
        await RoundTripAsync<Person?>(null);
        await Kv.SetAsync<ReadOnlyMemory<byte>>(["m"], new byte[] { 1, 2 });
        Assert.Equal([1, 2], (await Kv.GetAsync<ReadOnlyMemory<byte>>(["m"]))!.Value.ToArray());
        await Kv.SetAsync(["v"], V8Value.OfArray(V8Value.Null));
        Assert.Equal("[null]", (await Kv.GetAsync<V8Value>(["v"]))!.Value.ToString());

        async Task RoundTripAsync<T>(T value)
        {
            Versionstamp stamp = await Kv.SetAsync(["key"], value);
            KvEntry<T>? entry = await Kv.GetAsync<T>(["key"]);
            Assert.NotNull(entry);
            Assert.Equal(value, entry.Value);
            Assert.Equal((stamp, KvKey.Of("key"), null), (entry.Versionstamp, entry.Key, entry.Expires));
        }
    }

    [Fact]
    public async Task Deno_sees_strings_numbers_and_big_integers_as_its_own()
    {
        await Kv.SetAsync(["k"], "é");
        Assert.Equal("ff0f2201e9", await HexAsync());
        await Kv.SetAsync(["k"], 1.0);
        Assert.Equal("ff0f4902", await HexAsync());
        await Kv.SetAsync(["k"], 1);
        Assert.Equal("ff0f5a100100000000000000", await HexAsync());
        await Kv.SetAsync(["k"], new Person("A", 1));
        Assert.Equal(KvEncoding.Bytes, (await FindAsync()).Value.Encoding);
        Assert.Equal("{\"name\":\"A\",\"age\":1}"u8.ToArray(), (await FindAsync()).Value.Data.ToArray());

        async Task<KvEntry> FindAsync() => (await Database.FindAsync(["k"]))!;
        async Task<string> HexAsync() => Convert.ToHexStringLower((await FindAsync()).Value.Data.ToArray());
    }

    [Fact]
    public async Task A_miss_is_null()
    {
        Assert.Null(await Kv.GetAsync<string>(["none"]));
        await Kv.DeleteAsync(["none"]);
        await Kv.SetAsync(["some"], "1");
        await Kv.DeleteAsync(["some"]);
        Assert.Null(await Kv.GetAsync<string>(["some"]));
    }

    [Fact]
    public async Task A_value_of_another_type_is_an_error_that_says_so()
    {
        await Kv.SetAsync(["text"], "secret");
        await Kv.SetAsync(["bytes"], "{ broken secret"u8.ToArray());
        await Kv.SetAsync(["half"], 1.5);
        await Kv.SetAsync(["trailing"], "null null"u8.ToArray());
        await RefusedAsync<ulong>(["text"], "a number of 64 bits is asked for, and the value is of encoding V8");
        await RefusedAsync<double>(["text"], "a number is asked for, and the value is of kind String");
        await RefusedAsync<byte[]>(["text"], "bytes are asked for, and the value is of encoding V8");
        await RefusedAsync<string>(["bytes"], "a string is asked for, and the value is of encoding Bytes");
        await RefusedAsync<Person>(["bytes"], "no JSON of the type (line 0, byte 2)");
        await RefusedAsync<Person>(["text"], "JSON is asked for, and the value is of encoding V8");
        await RefusedAsync<Person>(["trailing"], "JSON");
        await RefusedAsync<long>(["half"], "an integer of 64 bits");

        async Task RefusedAsync<T>(KvKey key, string reason)
        {
            StorageException e = await Assert.ThrowsAsync<StorageException>(async () => await Kv.GetAsync<T>(key));
            Assert.Equal(StorageErrorKind.Corrupt, e.Kind);
            Assert.Contains(key.ToString(), e.Message, StringComparison.Ordinal);
            Assert.Contains(reason, e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("secret", e.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_type_without_a_codec_is_refused_before_any_read()
    {
        Assert.Contains("no codec for System.Guid", (await Assert.ThrowsAsync<ArgumentException>(async () => await Kv.GetAsync<Guid>(["k"]))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(async () => await Kv.SetAsync(["k"], Guid.Empty));
        Assert.Throws<ArgumentException>(() => Kv.ListAsync<Guid>(KvSelector.All));
        Assert.Throws<ArgumentException>(() => Kv.WatchAsync<Guid>(["k"]));
        Assert.Equal(0, Database.Reads + Database.Writes);
    }

    [Fact]
    public async Task Keys_that_are_empty_reserved_or_too_long_are_refused()
    {
        await RefusedAsync(default, "at least one part");
        await RefusedAsync(KvKey.OfEncoded(new byte[] { 0xFF, 1 }), "reserved");
        await RefusedAsync([new string('k', 2_048)], "1 to 2048 bytes, not 2050");
        Assert.Throws<ArgumentException>(() => KvSelector.Range(KvKey.OfEncoded(new byte[] { 0xFF, 1 }), KvKey.OfEncoded(new byte[] { 0xFF, 2 })));

        async Task RefusedAsync(KvKey key, string reason)
        {
            ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(async () => await Kv.SetAsync(key, 1));
            Assert.Contains(reason, e.Message, StringComparison.Ordinal);
            Assert.Empty(await Database.KeysAsync());
        }
    }

    [Fact]
    public async Task Many_are_read_at_one_instant_by_one_call()
    {
        await Kv.SetAsync(["a"], "1");
        await Kv.SetAsync(["c"], "3");
        int before = Database.Reads;
        IReadOnlyList<KvEntry<string>?> found = await Kv.GetManyAsync<string>([["a"], ["b"], ["c"], ["a"]]);
        Assert.Equal(["1", null, "3", "1"], found.Select(e => e?.Value));
        Assert.Equal(before + 1, Database.Reads);
        Assert.Empty(await Kv.GetManyAsync<string>([]));
        KvKey[] tooMany = [.. Enumerable.Range(0, 101).Select(i => KvKey.Of(i))];
        Assert.Contains("at most 100 ranges, not 101", (await Assert.ThrowsAsync<ArgumentException>(async () => await Kv.GetManyAsync<int>(tooMany))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_value_is_gone_at_its_millisecond()
    {
        await Kv.SetAsync(["in"], 1, TimeSpan.FromSeconds(1));
        await Kv.SetAsync(["at"], 2, Clock.GetUtcNow().AddSeconds(1));
        Assert.Equal(Clock.GetUtcNow().AddSeconds(1), (await Kv.GetAsync<int>(["in"]))!.Expires);
        Clock.Advance(TimeSpan.FromMilliseconds(999));
        Assert.NotNull(await Kv.GetAsync<int>(["in"]));
        Assert.NotNull(await Kv.GetAsync<int>(["at"]));
        Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Null(await Kv.GetAsync<int>(["in"]));
        Assert.Equal(0, await Kv.CountAsync(KvSelector.All));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await Kv.SetAsync(["k"], 1, TimeSpan.Zero));
    }

    [Fact]
    public async Task An_atomic_write_does_all_or_nothing()
    {
        Versionstamp first = await Kv.SetAsync(["a"], 1UL);
        CommitResult failed = await Kv.Atomic().Check(["a"], first).CheckAbsent(["a"]).Set(["b"], 2).CommitAsync();
        Assert.False(failed.IsCommitted);
        Assert.Equal([1], failed.FailedChecks);
        Assert.Null(await Kv.GetAsync<int>(["b"]));

        KvEntry<ulong> entry = (await Kv.GetAsync<ulong>(["a"]))!;
        CommitResult done = await Kv.Atomic().Check(entry).CheckAbsent(["b"]).Sum(["a"], 4).Set(["b"], 2).Max(["max"], 9).Min(["min"], 9).Delete(["c"]).SetVersionstampedKey(["log"], "x").CommitAsync();
        Assert.True(done.IsCommitted);
        Assert.Equal(5UL, (await Kv.GetAsync<ulong>(["a"]))!.Value);
        Assert.Equal(9UL, (await Kv.GetAsync<ulong>(["max"]))!.Value);
        Assert.Equal("x", (await Kv.GetAsync<string>(["log", done.Versionstamp.ToString()]))!.Value);
        Assert.All(await Kv.ListAsync<V8Value>(KvSelector.Prefix(["log"])).ToListAsync(), e => Assert.Equal(done.Versionstamp, e.Versionstamp));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Kv.Atomic().Set(["d"], 1).Sum(["b"], 1).CommitAsync());
        Assert.Null(await Kv.GetAsync<int>(["d"]));
    }

    [Fact]
    public async Task A_database_without_large_values_is_read_once_and_then_written_without_a_read()
    {
        for (int i = 0; i < 10; i++) await Kv.SetAsync(["k", i], i);
        Assert.Equal((1, 10), (Database.Reads, Database.Writes));
        await Kv.Atomic().Sum(["n"], 1).CommitAsync();
        Assert.Equal(1, Database.Reads);
    }

    [Fact]
    public async Task Watching_tells_the_first_state_at_once_and_every_kind_of_change()
    {
        await using IAsyncEnumerator<IReadOnlyList<KvEntry<ulong>?>> watch = Kv.WatchAsync<ulong>([["a"], ["b"]]).GetAsyncEnumerator();
        Assert.Equal([null, null], await NextAsync());
        await Kv.SetAsync(["a"], 1UL, TimeSpan.FromSeconds(5));
        Assert.Equal([1UL, null], await NextAsync());
        await Kv.Atomic().Sum(["b"], 7).Set(["a"], 2UL, TimeSpan.FromSeconds(5)).CommitAsync();
        Assert.Equal([2UL, 7UL], await NextAsync());
        Task<bool> next = watch.MoveNextAsync().AsTask();
        Clock.Advance(TimeSpan.FromSeconds(5));
        await Eventually.HoldsAsync(
            () =>
            {
                // Its timer may be set only now.
                Clock.Advance(TimeSpan.FromMilliseconds(1));
                return next.IsCompleted;
            },
            "An expiry is a change, and was not told.");
        Assert.True(await next);
        Assert.Equal([null, 7UL], watch.Current.Select(e => e?.Value));

        async Task<IEnumerable<ulong?>> NextAsync()
        {
            Assert.True(await watch.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
            return watch.Current.Select(e => e?.Value);
        }
    }

    [Fact]
    public async Task One_key_is_watched_until_the_caller_has_enough()
    {
        await Kv.SetAsync(["k"], "first");
        using var enough = new CancellationTokenSource();
        List<string?> seen = [];
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (KvEntry<string>? entry in Kv.WatchAsync<string>(["k"], enough.Token))
            {
                seen.Add(entry?.Value);
                if (seen.Count == 1) await Kv.DeleteAsync(["k"]);
                else await enough.CancelAsync();
            }
        });
        Assert.Equal(["first", null], seen);
        Assert.Throws<ArgumentException>(() => Kv.WatchAsync<string>(default(KvKey)));
    }

    [Fact]
    public void Options_are_checked()
    {
        Assert.Throws<ArgumentException>(() => new Kv(Database, new KvOptions { MaxValueBytes = (64 << 20) + 1 }));
        Assert.Throws<ArgumentException>(() => new Kv(Database, new KvOptions { MaxValueBytes = 0 }));
    }

    internal sealed record Person(string Name, int Age);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
    [JsonSerializable(typeof(Person))]
    internal sealed partial class ModelJson : JsonSerializerContext;

    public sealed class OverMemory() : KvTests(KvBackend.Memory);

    public sealed class OverDisk() : KvTests(KvBackend.Disk);

    public sealed class OverSqlite() : KvTests(KvBackend.Sqlite);
}
