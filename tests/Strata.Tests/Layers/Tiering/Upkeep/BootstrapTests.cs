using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>A tier filled from the next: the best first, no more than asked, and never over a write or delete that comes meanwhile.</summary>
public sealed class BootstrapTests
{
    private static readonly WriteOptions ColdAlone = new() { OnlyTiers = [] };

    [Fact]
    public async Task The_newest_come_first_up_to_the_limit_and_the_copies_are_served()
    {
        await using var f = new UpkeepFixture();
        await FillAsync(f, 50);
        var told = new Told();
        BootstrapResult result = await f.Upkeep.BootstrapTierAsync("warm", new BootstrapOptions { Limit = 10 }, told);
        Assert.Equal(("cold", 50, 10, 50, 0), (result.From, result.Examined, result.Copied, result.Bytes, result.Overtaken));
        Assert.Equal("warm cold", await f.HoldersAsync("a/49"));
        Assert.Equal("warm cold", await f.HoldersAsync("a/40"));
        Assert.Equal("cold", await f.HoldersAsync("a/39"));
        Assert.Equal(10, told.Reports[^1].Changed);
        long asked = f.Origin.CountOf(StoreOperation.Read) + f.Origin.CountOf(StoreOperation.Stat);
        Assert.Equal("v0049", await f.GetAsync("a/49"));
        Assert.Equal(asked, f.Origin.CountOf(StoreOperation.Read) + f.Origin.CountOf(StoreOperation.Stat));
        Assert.Equal(10, (await f.Upkeep.BootstrapTierAsync("warm", new BootstrapOptions { Limit = 10 })).Unchanged);
    }

    [Fact]
    public async Task Those_used_most_come_first_where_uses_are_counted()
    {
        await using var f = new UpkeepFixture();
        await FillAsync(f, 20);
        f.Store.ScoreOf = key => key.Value is "a/03" or "a/07" ? 5 : 0;
        await f.Upkeep.BootstrapTierAsync("hot", new BootstrapOptions { From = "cold", Limit = 3 });
        Assert.Equal("hot cold", await f.HoldersAsync("a/03"));
        Assert.Equal("hot cold", await f.HoldersAsync("a/07"));
        Assert.Equal("hot cold", await f.HoldersAsync("a/19"));
        Assert.Equal("cold", await f.HoldersAsync("a/18"));
    }

    [Fact]
    public async Task What_is_older_than_since_or_does_not_fit_into_the_bytes_stays_below()
    {
        await using var f = new UpkeepFixture();
        await FillAsync(f, 20);
        DateTimeOffset since = (await f.Cold.StatAsync(BlobKey.Parse("a/15")))!.Modified;
        Assert.Equal(5, (await f.Upkeep.BootstrapTierAsync("warm", new BootstrapOptions { Since = since })).Copied);
        BootstrapResult result = await f.Upkeep.BootstrapTierAsync("hot", new BootstrapOptions { From = "cold", MaxBytes = 12 });
        Assert.Equal((2, 10), (result.Copied, result.Bytes));
        Assert.Equal("hot warm cold", await f.HoldersAsync("a/19"));
    }

    [Fact]
    public async Task A_stale_copy_below_is_not_carried_upwards()
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("a/key", "old", new WriteOptions { SkipTiers = ["hot"] });
        await f.PutBehindAsync("a/key", "new");
        f.Store.DistrustCopies();
        BootstrapResult result = await f.Upkeep.BootstrapTierAsync("hot");
        Assert.Equal(("warm", 1), (result.From, result.Copied));
        Assert.Equal("new", await GetAsync(f.Hot));
        Assert.Equal("hot cold", await f.HoldersAsync("a/key"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_delete_or_a_write_meanwhile_wins(bool isDelete)
    {
        await using var f = new UpkeepFixture();
        await f.PutAsync("a/key", "old", ColdAlone);
        using StoreGate gate = f.Gates.Hold(StoreOperation.ReadStream);
        Task<BootstrapResult> bootstrap = f.Upkeep.BootstrapTierAsync("hot", new BootstrapOptions { From = "cold" }).AsTask();
        await gate.WaitForArrivalAsync();
        if (isDelete) await f.Store.DeleteAsync(Key);
        else await f.PutAsync("a/key", "new", ColdAlone);
        gate.Open();
        BootstrapResult result = await bootstrap;
        Assert.Equal((0, 1), (result.Copied, result.Overtaken));
        Assert.Null(await GetAsync(f.Hot));
        Assert.Equal(isDelete ? null : "new", await f.GetAsync("a/key"));
    }

    [Fact]
    public async Task A_damaged_blob_costs_itself_and_a_dead_tier_ends_it()
    {
        await using var f = new UpkeepFixture();
        await FillAsync(f, 20);
        f.Origin.Inject(StoreFault.On(StoreOperation.Read) with { Kind = StorageErrorKind.Corrupt, Times = 1 });
        BootstrapResult result = await f.Upkeep.BootstrapTierAsync("warm", new BootstrapOptions { Limit = 5, Parallelism = 1 });
        Assert.Equal((4, 1), (result.Copied, result.Failed));
        f.Warm.Inject(StoreFault.On(StoreOperation.Commit));
        await Assert.ThrowsAsync<StorageException>(() => f.Upkeep.BootstrapTierAsync("warm").AsTask());
        Assert.True(f.Warm.Raised < 16, "a tier that takes nothing must not cost a read of every blob");
    }

    [Fact]
    public async Task What_cannot_be_filled_or_asked_is_refused_by_name()
    {
        await using var f = new UpkeepFixture();
        Assert.Contains("origin", (await Refused("cold", null)).Message, StringComparison.Ordinal);
        Assert.Contains("slower tiers are cold", (await Refused("warm", new BootstrapOptions { From = "hot" })).Message, StringComparison.Ordinal);
        Assert.Contains("Limit", (await Refused("warm", new BootstrapOptions { Limit = 0 })).Message, StringComparison.Ordinal);

        async Task<ArgumentException> Refused(string tier, BootstrapOptions? options) => await Assert.ThrowsAsync<ArgumentException>(() => f.Upkeep.BootstrapTierAsync(tier, options).AsTask());
    }

    private static async Task FillAsync(UpkeepFixture f, int count)
    {
        for (int i = 0; i < count; i++)
        {
            await f.PutAsync($"a/{i:d2}", $"v{i:d4}", ColdAlone);
            f.Clock.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
