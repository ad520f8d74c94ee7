using System.Text;
using Xunit;

namespace Strata.Testing;

/// <content>What each mutation does, several of one key in one write, and that a write is done whole or not at all.</content>
public abstract partial class KvDatabaseConformance
{
    [Fact]
    public async Task A_set_replaces_value_encoding_and_versionstamp()
    {
        Versionstamp first = await CommitAsync(Set("a", "a longer value than the next", After(5_000)));
        Versionstamp second = await CommitAsync(KvMutation.Set(Key("a"), KvValue.OfUInt64(5)));
        KvEntry entry = (await GetAsync("a"))!;
        Assert.Equal(KvValue.OfUInt64(5), entry.Value);
        Assert.Equal(second, entry.Versionstamp);
        Assert.True(second > first);
        Assert.Null(entry.Expires);
    }

    [Fact]
    public async Task A_deleted_key_has_no_entry_and_others_stay()
    {
        await WriteLettersAsync();
        await CommitAsync(Delete("c"), Delete("never"), Delete("h"));
        await CommitAsync(Delete("c"));
        Assert.Equal("abdefg", await LettersAsync(Letters("", "z")));
        await AssertMissingAsync("c");
        await CommitAsync(Set("c", "again"));
        await AssertHoldsAsync("c", "again");
    }

    [Fact]
    public async Task All_is_deleted_and_written_again()
    {
        for (int round = 0; round < 3; round++)
        {
            string[] keys = [.. Enumerable.Range(0, 100).Select(i => $"{i:d3}")];
            await CommitAsync([.. keys.Select(k => Set(k, $"{round}"))]);
            Assert.Equal(keys, await KeysAsync());
            await CommitAsync([.. keys.Select(Delete)]);
            Assert.Empty(await KeysAsync());
        }
    }

    [Fact]
    public async Task Mutations_of_one_key_are_done_in_their_order()
    {
        await CommitAsync(Set("a", "1"), Set("a", "2"), Set("b", "1"), Delete("b"), Delete("c"), Set("c", "1"));
        await AssertHoldsAsync("a", "2");
        await AssertMissingAsync("b");
        await AssertHoldsAsync("c", "1");
        await CommitAsync(Sum("n", 5), Sum("n", 6), KvMutation.Max(Key("n"), 20), Sum("n", 1), KvMutation.Min(Key("n"), 15));
        Assert.Equal(15UL, await NumberAsync("n"));
        await CommitAsync(Delete("n"), Sum("n", 3));
        Assert.Equal(3UL, await NumberAsync("n"));
        await CommitAsync(KvMutation.Set(Key("n"), KvValue.OfUInt64(40)), Sum("n", 2), Set("m", "1"), Delete("m"), Sum("m", 1));
        Assert.Equal(42UL, await NumberAsync("n"));
        Assert.Equal(1UL, await NumberAsync("m"));
    }

    [Fact]
    public async Task A_write_that_fails_in_its_last_mutation_leaves_nothing()
    {
        Versionstamp before = await CommitAsync(Set("text", "1"), Set("a", "1"), Sum("n", 1));
        await RefusedAsync(Set("a", "2"), Set("b", "2"), Delete("text"), Sum("n", 5), KvMutation.SetVersionstampedKey(Key("log"), Value("2")), Sum("a", 1));
        await AssertHoldsAsync("a", "1");
        await AssertHoldsAsync("text", "1");
        Assert.Equal(1UL, await NumberAsync("n"));
        Assert.Equal(["a", "n", "text"], await KeysAsync());
        Assert.All(await ListAsync(Letters("", "z")), e => Assert.Equal(before, e.Versionstamp));
        Assert.True((await WriteAsync([Absent("b")], Set("b", "3"))).IsCommitted);
    }

    [Fact]
    public async Task A_write_that_is_refused_takes_none_of_its_neighbours_with_it()
    {
        await CommitAsync(Set("text", "1"));
        int refused = 0, failed = 0;
        await TogetherAsync(8, async thread =>
        {
            for (int i = 0; i < 25; i++)
            {
                await CommitAsync(Sum("n", 1), Set($"{thread}/{i}", "1"));
                if (!(await WriteAsync([Absent("text")], Set("never", "1"))).IsCommitted) Interlocked.Increment(ref failed);
                await Assert.ThrowsAnyAsync<ArgumentException>(async () => await WriteAsync([], Set("never", "1"), Sum("text", 1)));
                Interlocked.Increment(ref refused);
            }
        });
        Assert.Equal((200, 200), (refused, failed));
        Assert.Equal(200UL, await NumberAsync("n"));
        Assert.Equal(202, (await KeysAsync()).Length);
        await AssertMissingAsync("never");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    [InlineData(-1)]
    [InlineData(77)]
    public async Task A_mutation_that_is_none_is_refused(int kind) =>
        await RefusedAsync(Set("a", "1"), new KvMutation { Kind = (KvMutationKind)kind, Key = Key("b"), Value = Value("1") });

    [Theory]
    [InlineData(KvEncoding.None, 5)]
    [InlineData(KvEncoding.Le64, 0)]
    [InlineData(KvEncoding.Le64, 7)]
    [InlineData(KvEncoding.Le64, 9)]
    [InlineData((KvEncoding)200, 5)]
    public async Task A_value_that_is_none_is_refused(KvEncoding encoding, int length)
    {
        var value = new KvValue(Bytes(length), encoding);
        await RefusedAsync(Set("a", "1"), KvMutation.Set(Key("b"), value));
        await RefusedAsync(KvMutation.SetVersionstampedKey(Key("b"), value));
    }

    [Fact]
    public async Task A_large_write_is_there_whole()
    {
        int values = (int)Math.Min(Math.Min(200, Limits.MaxMutations), (Limits.MaxWriteBytes / (Limits.MaxValueBytes + 10L)) - 1);
        Versionstamp stamp = await CommitAsync([.. Enumerable.Range(0, values).Select(i => KvMutation.Set(Key($"{i:d5}"), KvValue.OfBytes(Bytes(Limits.MaxValueBytes, i))))]);
        for (int i = 0; i < values; i++)
        {
            KvEntry? entry = await GetAsync($"{i:d5}");
            Assert.NotNull(entry);
            Assert.Equal(stamp, entry.Versionstamp);
            Assert.True(entry.Value.Data.Span.SequenceEqual(Bytes(Limits.MaxValueBytes, i)), $"Value {i} of {values} is another.");
        }
    }

    [Fact]
    public async Task As_many_mutations_as_a_write_takes_are_all_done()
    {
        await CommitAsync([.. Enumerable.Range(0, Limits.MaxMutations).Select(i => Set($"{i:d6}", $"{i}"))]);
        int seen = 0;
        for (ReadOnlyMemory<byte> next = Key("0"); ;)
        {
            IReadOnlyList<KvEntry> found = await ListAsync(new ReadRange(next, Key("z"), Limits.MaxEntries));
            foreach (KvEntry entry in found) Assert.Equal($"{seen++}", Encoding.UTF8.GetString(entry.Value.Data.Span));
            if (found.Count < Limits.MaxEntries) break;
            next = ReadRange.Of(found[^1].Key).End;
        }

        Assert.Equal(Limits.MaxMutations, seen);
    }
}
