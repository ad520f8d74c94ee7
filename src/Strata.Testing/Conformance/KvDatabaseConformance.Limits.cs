using Xunit;

namespace Strata.Testing;

/// <content>What is beyond the limits is refused as a caller's bug, before anything is done.</content>
public abstract partial class KvDatabaseConformance
{
    [Fact]
    public async Task A_key_has_one_byte_up_to_the_limit()
    {
        byte[] longest = Bytes(Limits.MaxKeyBytes), tooLong = Bytes(Limits.MaxKeyBytes + 1);
        await CommitAsync(KvMutation.Set(longest, Value("1")), KvMutation.Sum(new byte[] { 0 }, 1));
        Assert.NotNull(await GetAsync(longest));
        foreach (byte[] key in (byte[][])[[], tooLong])
        {
            await RefusedAsync(Set("a", "1"), KvMutation.Set(key, Value("1")));
            await RefusedAsync(Set("a", "1"), KvMutation.Delete(key));
            await RefusedAsync(Set("a", "1"), KvMutation.Sum(key, 1));
            await RefusedAsync(Set("a", "1"), KvMutation.SetVersionstampedKey(key, Value("1")));
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await WriteAsync(new KvCheck(key, Versionstamp.None), Set("a", "1")));
            await WatchRefusedAsync([key]);
        }

        Assert.Equal(2, (await KeysAsync()).Length);
    }

    [Fact]
    public async Task A_versionstamped_key_with_its_versionstamp_is_a_key()
    {
        byte[] longest = Bytes(Limits.MaxKeyBytes - 2 - (2 * Versionstamp.Bytes));
        longest[0] = 1;
        Versionstamp stamp = await CommitAsync(KvMutation.SetVersionstampedKey(longest, Value("1")));
        KvEntry entry = Assert.Single(await ListAsync(new ReadRange(longest, new byte[] { 2 }, 2)));
        Assert.Equal(Limits.MaxKeyBytes, entry.Key.Length);
        Assert.True((await WriteAsync(new KvCheck(entry.Key, stamp), KvMutation.Delete(entry.Key))).IsCommitted);
        await RefusedAsync(Set("a", "1"), KvMutation.SetVersionstampedKey(Bytes(longest.Length + 1), Value("1")));
    }

    [Fact]
    public async Task A_value_is_as_long_as_the_limit_says()
    {
        await CommitAsync(KvMutation.Set(Key("a"), KvValue.OfBytes(Bytes(Limits.MaxValueBytes))));
        Assert.Equal(KvValue.OfBytes(Bytes(Limits.MaxValueBytes)), (await GetAsync("a"))!.Value);
        await RefusedAsync(Set("b", "1"), KvMutation.Set(Key("c"), KvValue.OfBytes(new byte[Limits.MaxValueBytes + 1])));
        await RefusedAsync(Set("b", "1"), KvMutation.SetVersionstampedKey(Key("c"), KvValue.OfBytes(new byte[Limits.MaxValueBytes + 1])));
    }

    [Fact]
    public async Task A_read_has_as_many_ranges_as_the_limit_says()
    {
        await CommitAsync(Set("a", "1"));
        IReadOnlyList<KvRange> found = await ReadAsync([.. Enumerable.Repeat(ReadRange.Of(Key("a")), Limits.MaxRanges)]);
        Assert.Equal(Limits.MaxRanges, found.Count(r => r.Entries.Count == 1));
        await ReadRefusedAsync([.. Enumerable.Repeat(ReadRange.Of(Key("a")), Limits.MaxRanges + 1)]);
    }

    [Fact]
    public async Task A_limit_is_one_up_to_the_limit()
    {
        await CommitAsync(Set("a", "1"), Set("b", "1"));
        Assert.Equal("ab", await LettersAsync(Letters("", "z") with { Limit = Limits.MaxEntries }));
        foreach (int limit in (int[])[0, -1, int.MinValue, Limits.MaxEntries + 1, int.MaxValue])
        {
            await ReadRefusedAsync(Letters("", "z") with { Limit = limit });
            await ReadRefusedAsync(Letters("", "z"), Letters("", "z") with { Limit = limit, Reverse = true, KeysOnly = true });
        }
    }

    [Fact]
    public async Task A_range_begins_and_ends_with_one_byte_more_than_a_key_has()
    {
        byte[] longest = Bytes(Limits.MaxKeyBytes), end = [.. longest, 0], tooLong = [.. longest, 0, 0];
        await CommitAsync(KvMutation.Set(longest, Value("1")));
        Assert.Single(await ListAsync(new ReadRange(longest, end, 2)));
        Assert.Empty(await ListAsync(new ReadRange(end, end, 2)));
        await ReadRefusedAsync(new ReadRange(longest, tooLong, 2));
        await ReadRefusedAsync(new ReadRange(tooLong, end, 2));
    }

    [Fact]
    public async Task A_write_has_as_many_checks_and_mutations_as_the_limits_say()
    {
        Assert.True((await WriteAsync([.. Enumerable.Repeat(Absent("a"), Limits.MaxChecks)], [.. Enumerable.Repeat(Sum("n", 1), Limits.MaxMutations)])).IsCommitted);
        Assert.Equal((ulong)Limits.MaxMutations, await NumberAsync("n"));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await WriteAsync([.. Enumerable.Repeat(Absent("a"), Limits.MaxChecks + 1)], Set("a", "1")));
        await RefusedAsync([.. Enumerable.Repeat(Set("a", "1"), Limits.MaxMutations + 1)]);
        Assert.Equal(["n"], await KeysAsync());
    }

    [Fact]
    public async Task A_write_has_as_many_bytes_as_the_limits_say()
    {
        byte[] key = Bytes(Limits.MaxKeyBytes), value = Bytes(Limits.MaxValueBytes);
        int keys = (Limits.MaxWriteKeyBytes / key.Length) + 1, values = (Limits.MaxWriteBytes / value.Length) + 1;
        await RefusedAsync([.. Enumerable.Repeat(KvMutation.Delete(key), keys)]);
        await RefusedAsync([.. Enumerable.Repeat(KvMutation.Set(Key("a"), KvValue.OfBytes(value)), values)]);
        Assert.Empty(await KeysAsync());
    }

    [Fact]
    public async Task A_watch_has_as_many_keys_as_the_limit_says()
    {
        await CommitAsync(Set("0", "1"));
        await using Watching watch = Watch([.. Enumerable.Range(0, Limits.MaxWatchedKeys).Select(i => $"{i}")]);
        WatchUpdate first = await watch.NextAsync();
        Assert.Equal(Limits.MaxWatchedKeys, first.Entries.Count);
        Assert.NotNull(first.Entries[0]);
        await WatchRefusedAsync([]);
        await WatchRefusedAsync([.. Enumerable.Range(0, Limits.MaxWatchedKeys + 1).Select(i => (ReadOnlyMemory<byte>)Key($"{i}"))]);
    }

    [Fact]
    public async Task Nothing_where_something_must_be_is_refused()
    {
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await Database.SnapshotReadAsync(null!, null, CancellationToken.None));
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await Database.AtomicWriteAsync(null!, CancellationToken.None));
        await WatchRefusedAsync(null!);
    }

    private async Task ReadRefusedAsync(params ReadRange[] ranges) => await Assert.ThrowsAnyAsync<ArgumentException>(async () => await ReadAsync(ranges));

    private async Task WatchRefusedAsync(ReadOnlyMemory<byte>[] keys)
    {
        int before = CountWatches(Database);
        await Assert.ThrowsAnyAsync<ArgumentException>(async () =>
        {
            await foreach (WatchUpdate update in Database.WatchAsync(keys, CancellationToken.None)) Assert.Fail($"A watch that must be refused told {update}.");
        });
        Assert.Equal(before, CountWatches(Database));
    }
}
