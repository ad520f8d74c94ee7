using Xunit;

namespace Strata.Testing;

/// <content>An expired entry is as if it were missing, from its millisecond on; sums and checks have theirs beside their subject.</content>
public abstract partial class KvDatabaseConformance
{
    [Fact]
    public async Task Expiry_is_exact_to_the_millisecond()
    {
        DateTimeOffset expires = After(10_000);
        await CommitAsync(Set("a", "1", expires), Set("b", "1"));
        if (Capabilities.TellsExpiry) Assert.Equal(expires, (await GetAsync("a"))!.Expires);
        Tick(9_999);
        await AssertHoldsAsync("a", "1");
        Assert.Equal(["a", "b"], await KeysAsync());
        Tick();
        await AssertMissingAsync("a");
        Tick(1_000_000);
        await AssertMissingAsync("a");
        await AssertHoldsAsync("b", "1");
    }

    [Fact]
    public async Task Fractions_of_a_millisecond_count_for_nothing()
    {
        DateTimeOffset expires = After(10_000);
        await CommitAsync(Set("a", "1", expires.AddTicks(9_999)), KvMutation.SetVersionstampedKey(Key("b"), Value("1"), expires.AddTicks(1)), Sum("n", 1) with { Expires = expires.AddTicks(5_000) });
        if (Capabilities.TellsExpiry) Assert.All(await ListAsync(Letters("", "z")), e => Assert.Equal(expires, e.Expires));
        Tick(9_999);
        Assert.Equal(3, (await KeysAsync()).Length);
        Tick();
        Assert.Empty(await KeysAsync());
    }

    [Fact]
    public async Task Expiry_is_a_moment_and_not_a_place_on_earth()
    {
        await CommitAsync(Set("a", "1", After(1_000).ToOffset(TimeSpan.FromHours(9))), Set("b", "1", After(1_000).ToOffset(TimeSpan.FromHours(-9))));
        Tick(999);
        Assert.Equal(["a", "b"], await KeysAsync());
        if (Capabilities.TellsExpiry) Assert.Equal(After(1), (await GetAsync("a"))!.Expires);
        Tick();
        Assert.Empty(await KeysAsync());
    }

    [Fact]
    public async Task Expiry_follows_the_wall_clock()
    {
        await CommitAsync(Set("a", "1", After(10_000)));
        Clock.Jump(TimeSpan.FromMilliseconds(10_000));
        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task A_clock_set_back_revives_nothing()
    {
        await CommitAsync(Set("a", "1", After(10_000)), Set("b", "1"));
        Tick(20_000);
        await AssertMissingAsync("a");
        Clock.Jump(TimeSpan.FromDays(-1));
        await AssertMissingAsync("a");
        await AssertHoldsAsync("b", "1");
        Assert.Equal(["b"], await KeysAsync());
    }

    [Fact]
    public async Task A_moment_in_the_past_is_never_visible()
    {
        await CommitAsync(Set("a", "1"), Set("b", "1"));
        await CommitAsync(Set("a", "2", After(-1)), Set("b", "2", Clock.GetUtcNow()), Set("c", "2", DateTimeOffset.UnixEpoch.AddDays(-1)), Set("d", "2", DateTimeOffset.MinValue));
        Assert.Empty(await KeysAsync());
        foreach (string key in (string[])["a", "b", "c", "d"]) await AssertMissingAsync(key);
        await CommitAsync(Set("n", "no number", After(-1)), Sum("n", 5));
        Assert.Equal(5UL, await NumberAsync("n"));
    }

    [Fact]
    public async Task The_end_of_time_is_never()
    {
        await CommitAsync(Set("a", "1", DateTimeOffset.MaxValue), Set("b", "1", After(TimeSpan.FromDays(36_500).TotalMilliseconds)));
        Tick(TimeSpan.FromDays(10_000).TotalMilliseconds);
        Assert.Equal(["a", "b"], await KeysAsync());
    }

    [Fact]
    public async Task A_later_set_decides_about_the_expiry()
    {
        await CommitAsync(Set("a", "1", After(1_000)), Set("b", "1", After(1_000)), Set("c", "1"), Set("d", "1", After(1_000)));
        await CommitAsync(Set("a", "2"), Set("b", "2", After(3_000)), Set("c", "2", After(500)), Delete("d"), Set("d", "2"));
        Tick(999);
        Assert.Equal(["a", "b", "d"], await KeysAsync());
        Tick(2_000);
        Assert.Equal(["a", "b", "d"], await KeysAsync());
        Tick();
        Assert.Equal(["a", "d"], await KeysAsync());
        Tick(1_000_000);
        await AssertHoldsAsync("a", "2");
    }

    [Fact]
    public async Task What_has_expired_does_not_count_for_a_limit()
    {
        await CommitAsync([.. Enumerable.Range(0, 100).Select(i => Set($"{i:d3}", "1", i % 10 == 9 ? null : After(1_000 + i)))]);
        Tick(5_000);
        Assert.Equal(["009", "019", "029"], (await ListAsync(Letters("0", "9") with { Limit = 3 })).Select(e => Text(e.Key)));
        Assert.Equal(["099", "089"], (await ListAsync(Letters("0", "9") with { Limit = 2, Reverse = true, KeysOnly = true })).Select(e => Text(e.Key)));
    }

    [Fact]
    public async Task Entries_expire_one_after_the_other()
    {
        await CommitAsync([.. Enumerable.Range(0, 200).Select(i => Set($"{i:d3}", "1", After(1 + i)))]);
        for (int i = 0; i < 200; i++)
        {
            string[] keys = await KeysAsync();
            Assert.Equal(200 - i, keys.Length);
            Assert.Equal($"{i:d3}", keys[0]);
            Tick();
        }

        Assert.Empty(await KeysAsync());
    }

    [Fact]
    public async Task An_expired_key_is_written_anew()
    {
        await CommitAsync(Set("a", "1", After(1_000)));
        Tick(1_000);
        await CommitAsync(Delete("a"));
        await CommitAsync(Set("a", "2", After(1_000)));
        await AssertHoldsAsync("a", "2");
        Tick(100_000);
        await CommitAsync(Set("a", "3"));
        Tick(100_000);
        await AssertHoldsAsync("a", "3");
    }
}
