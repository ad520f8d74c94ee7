using System.Text;
using Xunit;

namespace Strata.Testing;

/// <content>Versionstamps rise from commit to commit, and keys can be named after them.</content>
public abstract partial class KvDatabaseConformance
{
    [Fact]
    public async Task Versionstamps_rise_with_each_commit_empty_ones_too()
    {
        Versionstamp last = Versionstamp.None;
        for (int i = 0; i < 50; i++)
        {
            Versionstamp stamp = (i % 5) switch
            {
                0 => await CommitAsync(),
                1 => await CommitAsync(Set("a", "1")),
                2 => await CommitAsync(Delete("a"), Delete("never")),
                3 => await CommitAsync(Set("a", "1"), Sum("n", 1)),
                _ => (await WriteAsync(Absent("never"))).Versionstamp,
            };
            Assert.True(stamp > last, $"Commit {i} has {stamp}, the one before {last}.");
            last = stamp;
        }
    }

    [Fact]
    public async Task All_keys_of_a_commit_have_its_versionstamp()
    {
        Versionstamp other = await CommitAsync(Set("other", "1"));
        Versionstamp stamp = await CommitAsync(Set("a", "1"), Sum("b", 1), KvMutation.Max(Key("c"), 1), KvMutation.Min(Key("d"), 1), KvMutation.SetVersionstampedKey(Key("e"), Value("1")), Set("a", "2"));
        IReadOnlyList<KvEntry> entries = await ListAsync(Letters("a", "f"));
        Assert.Equal(5, entries.Count);
        Assert.All(entries, e => Assert.Equal(stamp, e.Versionstamp));
        Assert.Equal(other, await StampAsync("other"));
    }

    [Fact]
    public async Task A_versionstamped_key_is_the_prefix_and_a_string_of_the_versionstamp()
    {
        Versionstamp stamp = await CommitAsync(KvMutation.SetVersionstampedKey(Key("log"), Value("one")));
        KvEntry entry = Assert.Single(await ListAsync(Letters("log", "loh")));
        Assert.Equal(Convert.ToHexString(StampedKey("log", stamp)), Convert.ToHexString(entry.Key.Span));
        Assert.Equal("one", Text(entry.Value.Data));
        Assert.Equal(stamp, entry.Versionstamp);
        Assert.NotNull(await GetAsync(StampedKey("log", stamp)));
    }

    [Fact]
    public async Task Versionstamped_keys_are_in_the_order_of_their_commits()
    {
        for (int i = 0; i < 300; i++) await CommitAsync(KvMutation.SetVersionstampedKey(Key("log"), Value($"{i}")));
        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"{i}"), (await ListAsync(new ReadRange(Key("log"), Key("loh"), 500))).Select(e => Text(e.Value.Data)));
    }

    [Fact]
    public async Task Versionstamped_keys_of_many_callers_are_all_there_each_once()
    {
        await TogetherAsync(6, async thread =>
        {
            for (int i = 0; i < 50; i++) await CommitAsync(KvMutation.SetVersionstampedKey(Key("log"), Value($"{thread}/{i}")));
        });
        IReadOnlyList<KvEntry> entries = await ListAsync(new ReadRange(Key("log"), Key("loh"), 500));
        Assert.Equal(300, entries.Select(e => Text(e.Value.Data)).Distinct().Count());
        Assert.All(entries, e => Assert.Equal(Convert.ToHexString(StampedKey("log", e.Versionstamp)), Convert.ToHexString(e.Key.Span)));
        for (int thread = 0; thread < 6; thread++)
            Assert.Equal(Enumerable.Range(0, 50).Select(i => $"{thread}/{i}"), entries.Select(e => Text(e.Value.Data)).Where(v => v.StartsWith($"{thread}/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_versionstamped_key_may_expire_and_be_written_twice()
    {
        Versionstamp stamp = await CommitAsync(
            KvMutation.SetVersionstampedKey(Key("log"), Value("one")), KvMutation.SetVersionstampedKey(Key("log"), Value("two"), After(1_000)), KvMutation.SetVersionstampedKey(Key("lot"), Value("three")));
        Assert.Equal("two", Text((await GetAsync(StampedKey("log", stamp)))!.Value.Data));
        Assert.Equal(2, (await KeysAsync()).Length);
        Tick(1_000);
        Assert.Null(await GetAsync(StampedKey("log", stamp)));
        Assert.NotNull(await GetAsync(StampedKey("lot", stamp)));
    }

    [Fact]
    public async Task Commits_of_many_callers_have_each_a_versionstamp_of_its_own_in_the_order_of_time()
    {
        var stamps = new List<Versionstamp>();
        await TogetherAsync(8, async thread =>
        {
            Versionstamp last = Versionstamp.None;
            for (int i = 0; i < 50; i++)
            {
                Versionstamp seen = await StampAsync("shared");
                Versionstamp stamp = await CommitAsync(i % 2 == 0 ? [Set("shared", $"{thread}")] : []);
                Assert.True(stamp > last && stamp > seen, $"{stamp} was issued after {last} was returned and {seen} was read.");
                last = stamp;
                lock (stamps) stamps.Add(stamp);
            }
        });
        Assert.Equal(400, stamps.Distinct().Count());
    }

    private static byte[] StampedKey(string prefix, Versionstamp stamp) => [.. Key(prefix), 2, .. Encoding.ASCII.GetBytes(stamp.ToString()), 0];
}
