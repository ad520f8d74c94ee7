using Xunit;

namespace Strata.Testing;

/// <content>Reads of keys and of ranges, and whose bytes those are.</content>
public abstract partial class KvDatabaseConformance
{
    [Fact]
    public async Task A_key_that_was_never_written_has_no_entry()
    {
        await CommitAsync(Set("b", "1"));
        Assert.Null(await GetAsync("a"));
        Assert.Null(await GetAsync("b\0"));
        Assert.Null(await GetAsync("c"));
    }

    [Theory]
    [InlineData(KvEncoding.V8, 0)]
    [InlineData(KvEncoding.V8, 17)]
    [InlineData(KvEncoding.Le64, 8)]
    [InlineData(KvEncoding.Bytes, 0)]
    [InlineData(KvEncoding.Bytes, 1)]
    [InlineData(KvEncoding.Bytes, 1000)]
    public async Task An_entry_is_read_as_it_was_written(KvEncoding encoding, int length)
    {
        var value = new KvValue(Bytes(length), encoding);
        Versionstamp stamp = await CommitAsync(KvMutation.Set(Key("a"), value));
        KvEntry? entry = await GetAsync("a");
        Assert.NotNull(entry);
        Assert.Equal(value, entry.Value);
        Assert.Equal(stamp, entry.Versionstamp);
        Assert.Null(entry.Expires);
    }

    [Fact]
    public async Task A_read_of_nothing_answers_nothing() => Assert.Empty(await ReadAsync());

    [Fact]
    public async Task A_range_has_its_start_and_not_its_end()
    {
        await WriteLettersAsync();
        Assert.Equal("bc", await LettersAsync(Letters("b", "d")));
        Assert.Equal("bcd", await LettersAsync(Letters("b", "d\0")));
        Assert.Equal("cd", await LettersAsync(Letters("b\0", "e")));
        Assert.Equal("abcdefgh", await LettersAsync(Letters("", "z")));
        Assert.Equal("", await LettersAsync(Letters("x", "z")));
    }

    [Fact]
    public async Task A_range_that_ends_where_it_begins_or_before_is_empty()
    {
        await WriteLettersAsync();
        Assert.Equal("", await LettersAsync(Letters("b", "b")));
        Assert.Equal("", await LettersAsync(Letters("d", "b")));
        Assert.Equal("", await LettersAsync(Letters("d", "b") with { Reverse = true }));
        Assert.Equal("", await LettersAsync(Letters("a", "")));
        Assert.Equal("", await LettersAsync(Letters("", "")));
    }

    [Fact]
    public async Task A_limit_counts_from_where_the_read_begins()
    {
        await WriteLettersAsync();
        Assert.Equal("bcd", await LettersAsync(Letters("b", "g") with { Limit = 3 }));
        Assert.Equal("fed", await LettersAsync(Letters("b", "g") with { Limit = 3, Reverse = true }));
        Assert.Equal("h", await LettersAsync(Letters("", "z") with { Limit = 1, Reverse = true }));
        Assert.Equal("bcdef", await LettersAsync(Letters("b", "g") with { Limit = 5 }));
        Assert.Equal("fedcb", await LettersAsync(Letters("b", "g") with { Limit = 6, Reverse = true }));
    }

    [Fact]
    public async Task A_read_of_keys_only_has_everything_but_the_values()
    {
        Versionstamp stamp = await CommitAsync(Set("a", "some value", After(5_000)), KvMutation.Set(Key("b"), KvValue.OfUInt64(7)));
        IReadOnlyList<KvEntry> keys = await ListAsync(Letters("a", "z") with { KeysOnly = true });
        IReadOnlyList<KvEntry> entries = await ListAsync(Letters("a", "z"));
        Assert.Equal(["a", "b"], keys.Select(e => Text(e.Key)));
        Assert.Equal([KvEncoding.Bytes, KvEncoding.Le64], keys.Select(e => e.Value.Encoding));
        Assert.All(keys, e => Assert.True(e.Value.Data.IsEmpty && e.Versionstamp == stamp));
        Assert.Equal(entries.Select(e => e.Expires), keys.Select(e => e.Expires));
        KvEntry one = Assert.Single(await ListAsync(ReadRange.Of(Key("a")) with { KeysOnly = true }));
        Assert.True(one.Value is { Data.IsEmpty: true, Encoding: KvEncoding.Bytes });
    }

    [Fact]
    public async Task Ranges_are_answered_in_the_order_in_which_they_were_asked()
    {
        await WriteLettersAsync();
        IReadOnlyList<KvRange> found = await ReadAsync(
            Letters("f", "h"), ReadRange.Of(Key("a")), Letters("x", "y"), Letters("a", "d") with { Reverse = true }, ReadRange.Of(Key("missing")), Letters("b", "g"), Letters("f", "h"));
        Assert.Equal(["fg", "a", "", "cba", "", "bcdef", "fg"], found.Select(LettersOf));
    }

    [Fact]
    public async Task Moments_ago_will_do_reads_all_that_is_there_in_time()
    {
        await WriteLettersAsync();
        Assert.Equal("abcdefgh", LettersOf(Assert.Single(await Database.SnapshotReadAsync([Letters("", "z")], new SnapshotReadOptions { Consistency = KvConsistency.Strong }, CancellationToken.None))));
        using var late = new CancellationTokenSource(Deadline);
        while (true)
        {
            IReadOnlyList<KvRange> found = await Database.SnapshotReadAsync([Letters("", "z")], new SnapshotReadOptions { Consistency = KvConsistency.Eventual }, CancellationToken.None);
            if (LettersOf(Assert.Single(found)) == "abcdefgh") return;
            Assert.False(late.IsCancellationRequested, "What was committed is not read after half a minute.");
        }
    }

    [Fact]
    public async Task What_was_handed_out_stays_as_it_is()
    {
        await CommitAsync(Set("a", "first"));
        KvEntry before = (await GetAsync("a"))!;
        await CommitAsync(Set("a", "other"));
        for (int i = 0; i < 100; i++) await CommitAsync(Set($"b{i}", $"noise {i}"));
        await CommitAsync(Delete("a"));
        await Database.DisposeAsync();
        Assert.Equal("first", Text(before.Value.Data));
        Assert.Equal("a", Text(before.Key));
    }

    [Fact]
    public async Task What_was_handed_in_is_the_callers_again()
    {
        byte[] key = Key("a"), value = Key("first"), checkedKey = Key("b");
        Assert.True((await WriteAsync(new KvCheck(checkedKey, Versionstamp.None), KvMutation.Set(key, KvValue.OfBytes(value)))).IsCommitted);
        key[0] = value[0] = checkedKey[0] = (byte)'x';
        await AssertHoldsAsync("a", "first");
        Assert.Null(await GetAsync("x"));
        Assert.Equal(["a"], await KeysAsync());
    }

    [Fact]
    public async Task A_long_range_is_read_piece_by_piece()
    {
        int entries = (2 * Limits.MaxEntries) + 100;
        string[] keys = [.. Enumerable.Range(0, entries).Select(i => $"key/{i:d8}")];
        foreach (string[] some in keys.Chunk(Math.Min(500, Limits.MaxMutations))) await CommitAsync([.. some.Select(k => Set(k, k))]);
        List<string> forward = [], back = [];
        for (byte[] next = Key("key/"); ;)
        {
            IReadOnlyList<KvEntry> found = await ListAsync(new ReadRange(next, Key("key0"), Limits.MaxEntries));
            forward.AddRange(found.Select(e => Text(e.Value.Data)));
            if (found.Count < Limits.MaxEntries) break;
            next = [.. found[^1].Key.Span, 0];
        }

        for (ReadOnlyMemory<byte> end = Key("key0"); ;)
        {
            IReadOnlyList<KvEntry> found = await ListAsync(new ReadRange(Key("key/"), end, Limits.MaxEntries, Reverse: true));
            back.AddRange(found.Select(e => Text(e.Key)));
            if (found.Count < Limits.MaxEntries) break;
            end = found[^1].Key;
        }

        back.Reverse();
        Assert.True(forward.SequenceEqual(keys), $"{forward.Count} of {entries} entries were read forward, or in another order.");
        Assert.True(back.SequenceEqual(keys), $"{back.Count} of {entries} entries were read backward, or in another order.");
    }

    private static ReadRange Letters(string start, string end) => new(Key(start), Key(end), 100);

    private static string LettersOf(KvRange range) => string.Concat(range.Entries.Select(e => Text(e.Key)));

    private async Task<string> LettersAsync(ReadRange range) => LettersOf(Assert.Single(await ReadAsync(range)));

    private async Task WriteLettersAsync()
    {
        foreach (char letter in "hbdface") await CommitAsync(Set($"{letter}", $"{letter}"));
        await CommitAsync(Set("g", "g"));
    }
}
