using Xunit;

namespace Strata.Testing;

/// <content>What a durable database keeps when it is closed and opened again, and that another keeps nothing.</content>
public abstract partial class KvDatabaseConformance
{
    [Fact]
    public async Task A_durable_database_is_found_as_it_was_left()
    {
        Versionstamp stamp = await CommitAsync(Set("a", "1"), Set("b", "1"), Sum("n", 5), Set("later", "1", After(60_000)), Set("soon", "1", After(1_000)));
        Versionstamp logged = await CommitAsync(KvMutation.SetVersionstampedKey(Key("log"), Value("1")), Delete("b"), KvMutation.Set(Key("large"), KvValue.OfBytes(Bytes(Limits.MaxValueBytes))));
        IReadOnlyList<KvEntry> before = await ListAsync(Letters("", "z"));
        await ReopenAsync();
        IReadOnlyList<KvEntry> after = await ListAsync(Letters("", "z"));
        if (!Capabilities.IsDurable)
        {
            Assert.Empty(after);
            return;
        }

        Assert.Equal(before.Select(e => (Text(e.Key), e.Value, e.Versionstamp, e.Expires)), after.Select(e => (Text(e.Key), e.Value, e.Versionstamp, e.Expires)));
        Assert.Equal(stamp, await StampAsync("a"));
        Assert.NotNull(await GetAsync(StampedKey("log", logged)));
        Assert.True((await WriteAsync(new KvCheck(Key("a"), stamp), Sum("n", 1))).IsCommitted);
        Assert.Equal(6UL, await NumberAsync("n"));
        Tick(1_000);
        await AssertMissingAsync("soon");
        await AssertHoldsAsync("later", "1");
    }

    [Theory]
    [InlineData("set")]
    [InlineData("delete")]
    [InlineData("empty")]
    [InlineData("expiry")]
    public async Task Versionstamps_rise_over_a_restart_and_a_clock_set_back(string last)
    {
        if (!Capabilities.IsDurable)
        {
            await CommitAsync(Set("a", "1"));
            await ReopenAsync();
            Assert.Empty(await KeysAsync());
            return;
        }

        Versionstamp stamp = await CommitAsync(Set("a", "1", After(10_000)));
        for (int restart = 0; restart < 3; restart++)
        {
            if (last == "set") stamp = await CommitAsync(Set("a", "2"));
            if (last == "delete") stamp = await CommitAsync(Delete("a"));
            if (last == "empty") stamp = await CommitAsync();
            if (last == "expiry")
            {
                Tick(600_000);
                await AssertMissingAsync("a");
            }

            Clock.Jump(TimeSpan.FromDays(-1));
            await ReopenAsync();
            Versionstamp next = await CommitAsync(Set("b", "1"));
            Assert.True(next > stamp, $"{next} was issued after a restart, and {stamp} before it.");
            if (last is "delete" or "expiry") await AssertMissingAsync("a");
            stamp = next;
        }
    }
}
