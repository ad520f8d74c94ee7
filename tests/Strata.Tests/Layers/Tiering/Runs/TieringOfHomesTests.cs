using Strata.Testing;
using Xunit;
using static Strata.Tests.TieringFixture;

namespace Strata.Tests;

/// <summary>Tiering where each blob has one home below the memory: copies come and go above, homes move below.</summary>
public sealed class TieringOfHomesTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly FakeClock _clock = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_run_moves_homes_down_and_up_again()
    {
        await using TieredBlobStore store = await OpenAsync();
        await store.PutBytesAsync(Key, new byte[1000]);
        Assert.Equal(["hot", "warm"], await store.LocateAsync(Key));
        _clock.Advance(TimeSpan.FromMinutes(61));
        Assert.Equal(1, (await store.Tiering.RunTieringAsync()).Demoted);
        Assert.Equal(["warm"], await store.LocateAsync(Key));
        _clock.Advance(TimeSpan.FromHours(24));
        TieringReport report = await store.Tiering.RunTieringAsync();
        Assert.Equal((1, 1000), (report.Demoted, report.Bytes));
        Assert.Equal(["cold"], await store.LocateAsync(Key));
        Assert.Equal("cold", (await store.StatAsync(Key))!.Tier);

        // Read once, it is copied into memory; an hour later it belongs where it was read from yesterday.
        Assert.Equal(1000, (await store.GetBytesAsync(Key))!.Length);
        await Eventually.HoldsAsync(() => store.IsIdle, "promotions never came to rest");
        Assert.Equal(["hot", "cold"], await store.LocateAsync(Key));
        _clock.Advance(TimeSpan.FromMinutes(61));
        await store.Tiering.RunTieringAsync();
        Assert.Equal(["warm"], await store.LocateAsync(Key));
        Assert.Equal(1000, (await store.GetBytesAsync(Key))!.Length);
    }

    [Fact]
    public async Task Homes_move_by_hand_and_are_pinned_and_explained()
    {
        await using TieredBlobStore store = await OpenAsync();
        await store.PutBytesAsync(Key, new byte[1000], new WriteOptions { Tier = "cold" });
        Assert.Equal("cold", await store.Tiering.GetTierAsync(Key));
        Assert.Equal(MoveStatus.Moved, await store.Tiering.PromoteAsync(Key));
        Assert.Equal(["warm"], await store.LocateAsync(Key));
        Assert.Equal(MoveStatus.Moved, await store.Tiering.PinAsync(Key, "cold"));
        Assert.Equal(["cold"], await store.LocateAsync(Key));
        TierExplanation found = (await store.Tiering.ExplainAsync(Key))!;
        Assert.Equal(("cold", "cold", PlacementCause.Pin), (found.Tier, found.Pin, found.Belongs.Cause));
        await Assert.ThrowsAsync<ArgumentException>(() => store.Tiering.DeleteFromAsync(Key, ["cold"]).AsTask());
        IBlobStore warm = store.Tiering.Tier("warm"), cold = store.Tiering.Tier("cold");
        Assert.Null(await warm.StatAsync(Key));
        Assert.Equal(1000, (await cold.GetBytesAsync(Key))!.Length);
        Assert.Single((await cold.ListPageAsync(new ListRequest())).Items);
        Assert.Empty((await warm.ListPageAsync(new ListRequest())).Items);
    }

    [Fact]
    public async Task A_rule_by_prefix_places_what_is_written_and_moves_and_explains_what_is_there()
    {
        BlobKey log = BlobKey.Parse("logs/1"), older = BlobKey.Parse("logs/0");
        await using (TieredBlobStore before = await OpenAsync()) await before.PutBytesAsync(older, new byte[1000]);
        await using TieredBlobStore store = await OpenAsync(new PlacementRule { Prefix = "logs/", Tier = "cold" });
        Assert.Equal(["warm"], await store.LocateAsync(older));
        await store.PutBytesAsync(log, new byte[1000]);
        Assert.Equal("cold", (await store.LocateAsync(log))[^1]);
        await store.PutBytesAsync(Key, new byte[1000]);
        Assert.Equal("warm", (await store.LocateAsync(Key))[^1]);
        TierExplanation found = (await store.Tiering.ExplainAsync(older))!;
        Assert.Equal(("warm", "cold", PlacementCause.Rule), (found.Tier, found.Belongs.Tier, found.Belongs.Cause));
        Assert.Equal(MoveStatus.Moved, await store.Tiering.DemoteAsync(older));
        Assert.Equal(["cold"], await store.LocateAsync(older));
    }

    private ValueTask<TieredBlobStore> OpenAsync(params PlacementRule[] rules) => new TieredStoreBuilder()
        .WithContext(StoreContext.Default with { Clock = _clock })
        .WithOptions(new TieringOptions { Containment = Containment.Exclusive, Policy = new TieringPolicy { Rules = rules } })
        .AddTier("hot", "memory:?maxBytes=1MiB")
        .AddTier("warm", _folder.Sub("warm"), maxBytes: 8 << 20, maxBlobBytes: 100_000)
        .AddTier("cold", _folder.Sub("cold"))
        .OpenAsync();
}
