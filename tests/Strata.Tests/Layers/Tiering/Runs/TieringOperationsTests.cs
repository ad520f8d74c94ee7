using Strata.Testing;
using Xunit;
using static Strata.Tests.TieringFixture;

namespace Strata.Tests;

/// <summary>What a person does with tiers by hand, and what they are told.</summary>
public sealed class TieringOperationsTests
{
    [Fact]
    public async Task A_blob_goes_up_and_down_by_hand()
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(Key, options: new WriteOptions { Tier = "cold" });
        Assert.Equal("cold", await f.Tiering.GetTierAsync(Key));
        Assert.Equal(MoveStatus.Moved, await f.Tiering.PromoteAsync(Key));
        Assert.Equal("warm cold", await f.HeldAsync(Key));
        Assert.Equal(MoveStatus.Moved, await f.Tiering.PromoteAsync(Key, "hot"));
        Assert.Equal("hot warm cold", await f.HeldAsync(Key));
        Assert.True(f.Store.TryRead(Key, out _), "what was promoted is not served");
        Assert.Equal(MoveStatus.Unchanged, await f.Tiering.PromoteAsync(Key));
        Assert.Equal(MoveStatus.Unchanged, await f.Tiering.PromoteAsync(Key, "warm"));
        Assert.Equal(MoveStatus.Moved, await f.Tiering.DemoteAsync(Key));
        Assert.Equal("warm cold", await f.HeldAsync(Key));
        Assert.Equal(MoveStatus.Unchanged, await f.Tiering.DemoteAsync(Key, "hot"));
        Assert.Equal(MoveStatus.Moved, await f.Tiering.DemoteAsync(Key));
        Assert.Equal(MoveStatus.Unchanged, await f.Tiering.DemoteAsync(Key));
        Assert.Equal("cold", await f.Tiering.GetTierAsync(Key));
        Assert.Equal("value", await f.GetAsync(Key));
    }

    [Fact]
    public async Task A_demotion_may_leave_the_copies_where_they_are()
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(Key, options: new WriteOptions { Tier = "hot", SkipTiers = ["warm"] });
        Assert.Equal("hot cold", await f.HeldAsync(Key));
        Assert.Equal(MoveStatus.Moved, await f.Tiering.DemoteAsync(Key, keepInSource: true));
        Assert.Equal("hot warm cold", await f.HeldAsync(Key));
        Assert.Equal("hot", await f.Tiering.GetTierAsync(Key));
    }

    [Fact]
    public async Task What_is_not_there_is_missing_and_what_a_tier_does_not_take_is_refused()
    {
        await using TieringFixture f = await OpenAsync();
        Assert.Equal((MoveStatus.Missing, MoveStatus.Missing, MoveStatus.Missing), (await f.Tiering.PromoteAsync(Key), await f.Tiering.DemoteAsync(Key), await f.Tiering.PinAsync(Key, "hot")));
        Assert.Null(await f.Tiering.GetTierAsync(Key));
        Assert.Null(await f.Tiering.ExplainAsync(Key));
        Assert.Empty(await f.Tiering.DeleteFromAsync(Key, ["hot"]));
        await f.Store.PutBytesAsync(Key, new byte[17 << 20], new WriteOptions { Tier = "cold" });
        Assert.Equal(MoveStatus.Refused, await f.Tiering.PromoteAsync(Key, "hot"));
        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(() => f.Tiering.PromoteAsync(Key, "tepid").AsTask());
        Assert.Contains("'tepid'; it has hot, warm, cold", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tier_that_fails_leaves_the_blob_where_it_was()
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(Key, options: new WriteOptions { Tier = "cold" });
        f.WarmFaults.Inject(StoreFault.On(StoreOperation.Commit));
        await Assert.ThrowsAsync<StorageException>(() => f.Tiering.PromoteAsync(Key).AsTask());
        Assert.Equal("cold", await f.HeldAsync(Key));
        Assert.Empty(f.Tiering.GetMoves());
        f.WarmFaults.Heal();
        Assert.Equal(MoveStatus.Moved, await f.Tiering.PromoteAsync(Key));
    }

    [Fact]
    public async Task A_damaged_copy_is_no_source_of_another()
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(Key, options: new WriteOptions { Tier = "warm" });
        f.WarmFaults.Inject(StoreFault.On(StoreOperation.Read) with { Kind = StorageErrorKind.Corrupt });
        Assert.Equal(MoveStatus.Moved, await f.Tiering.PromoteAsync(Key, "hot"));
        Assert.Equal("value", await TierFixture.GetAsync(f.Hot) ?? await f.GetAsync(Key));
    }

    [Fact]
    public async Task What_is_being_moved_is_shown()
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(Key, options: new WriteOptions { Tier = "cold" });
        using StoreGate gate = f.Warm.Hold(StoreOperation.Commit);
        Task<MoveStatus> moving = f.Tiering.PromoteAsync(Key).AsTask();
        await gate.WaitForArrivalAsync();
        TierMove move = Assert.Single(f.Tiering.GetMoves());
        Assert.Equal((Key, "cold", "warm", 5, f.Clock.GetUtcNow()), (move.Key, move.From, move.To, move.Length, move.Began));
        gate.Open();
        Assert.Equal(MoveStatus.Moved, await moving);
        Assert.Empty(f.Tiering.GetMoves());
    }

    [Fact]
    public async Task Copies_are_deleted_from_named_tiers_and_the_origin_only_with_all()
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(Key);
        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(() => f.Tiering.DeleteFromAsync(Key, ["hot", "cold"]).AsTask());
        Assert.Contains("only where all tiers are named (hot, warm, cold)", e.Message, StringComparison.Ordinal);
        Assert.Equal("hot warm cold", await f.HeldAsync(Key));
        Assert.Equal(["hot"], await f.Tiering.DeleteFromAsync(Key, ["hot"]));
        Assert.Equal(["warm"], await f.Tiering.DeleteFromAsync(Key, ["hot", "warm"]));
        Assert.Equal("value", await f.GetAsync(Key));
        await f.IdleAsync();
        Assert.Equal(["hot", "warm", "cold"], await f.Tiering.DeleteFromAsync(Key, ["cold", "warm", "hot"]));
        Assert.Null(await f.GetAsync(Key));
    }

    [Fact]
    public async Task Pins_are_listed_and_taken_away()
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(KeyOf(2));
        Assert.Equal(MoveStatus.Moved, await f.Tiering.PinAsync(KeyOf(2), "cold"));
        Assert.Equal(MoveStatus.Unchanged, await f.Tiering.PinAsync(KeyOf(2), "cold"));
        await f.Tiering.PinAsync(KeyOf(1), "hot");
        Assert.Equal([new TierPin(KeyOf(1), "hot"), new TierPin(KeyOf(2), "cold")], f.Tiering.GetPins());
        await f.PutAsync(KeyOf(2), "again");
        Assert.Equal("cold", await f.HeldAsync(KeyOf(2)));
        Assert.True(await f.Tiering.UnpinAsync(KeyOf(2)));
        Assert.False(await f.Tiering.UnpinAsync(KeyOf(2)));
        Assert.Single(f.Tiering.GetPins());
    }

    [Fact]
    public async Task A_pin_that_could_not_be_written_is_none()
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(Key);
        f.State.DieAt(0);
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => f.Tiering.PinAsync(Key, "cold").AsTask());
        Assert.Equal("pin", e.Operation);
        Assert.Empty(f.Tiering.GetPins());
        Assert.Equal("hot warm cold", await f.HeldAsync(Key));
    }

    [Fact]
    public async Task An_explanation_says_where_why_and_what_would_move_it()
    {
        await using TieringFixture f = await OpenAsync(new TieringOptions { RunEvery = TimeSpan.FromHours(6), Policy = new TieringPolicy { Rules = [new PlacementRule { Prefix = "a/", Coldest = "cold" }] } });
        DateTimeOffset written = f.Clock.GetUtcNow();
        await f.PutAsync(Key);
        f.Clock.Advance(TimeSpan.FromHours(3));
        TierExplanation found = (await f.Tiering.ExplainAsync(Key))!;
        Assert.Equal(("hot", "warm", PlacementCause.Age, false), (found.Tier, found.Belongs.Tier, found.Belongs.Cause, found.IsAtHome));
        Assert.Equal(["hot", "warm", "cold"], found.Tiers);
        Assert.Equal((written.AddHours(24), 5, written), (found.Belongs.Due, found.Length, found.Use.LastAccess));
        Assert.Equal((1, null, "a/", false), (found.Use.HistoryAccesses, found.Pin, found.Rule!.Prefix, found.IsInDoubt));
        Assert.StartsWith("warm: last used 3 h ago, and hot holds only for 1 h", found.Why, StringComparison.Ordinal);
        Assert.Equal("the tiering run at 2026-01-01 06:00:00Z, if it is due by then", found.Moves);
        await f.Tiering.PinAsync(Key, "hot");
        found = (await f.Tiering.ExplainAsync(Key))!;
        Assert.Equal(("hot", true, null), (found.Pin, found.IsAtHome, found.Moves));
    }

    [Fact]
    public async Task A_stat_tells_how_often_and_when_it_was_used()
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(Key);
        f.Clock.Advance(TimeSpan.FromMinutes(5));
        DateTimeOffset read = f.Clock.GetUtcNow();
        for (int i = 0; i < 3; i++) Assert.True(f.Store.TryRead(Key, out _));
        long asked = f.Cold.CountOf(StoreOperation.Stat);
        BlobInfo info = (await f.Store.StatAsync(Key))!;
        Assert.Equal((4, read, "hot"), (info.AccessCount, info.LastAccess, info.Tier));
        Assert.Equal(asked, f.Cold.CountOf(StoreOperation.Stat));
        await using var alone = new TieredBlobStore([new Tier { Name = "only", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "only" }) }]);
        await alone.PutBytesAsync(Key, new byte[1]);
        Assert.Null((await alone.StatAsync(Key))!.AccessCount);
    }

    [Theory]
    [InlineData("hot", true, "hot warm cold")]
    [InlineData("warm", true, "warm cold")]
    [InlineData("cold", true, "cold")]
    [InlineData("warm", false, "warm cold")]
    [InlineData("hot", false, "hot cold")]
    public async Task A_write_begins_in_the_tier_that_it_names(string tier, bool fills, string held)
    {
        await using TieringFixture f = await OpenAsync(new TieringOptions { Writes = fills ? TieringWrites.Through : TieringWrites.Around });
        await f.PutAsync(Key, "old", new WriteOptions { Tier = "hot" });
        WriteResult written = await f.Store.PutBytesAsync(Key, TierFixture.Bytes("new"), new WriteOptions { Tier = tier });
        Assert.Equal(held, await f.HeldAsync(Key));
        Assert.Equal(held.Split(' '), written.Tiers);
        Assert.Equal("new", await f.GetAsync(Key));
        await f.IdleAsync();
        await using (IBlobWriter writer = await f.Store.OpenWriterAsync(Key, new WriteOptions { Tier = tier }))
        {
            await writer.WriteAsync(TierFixture.Bytes("streamed"), default);
            await writer.CommitAsync(null, default);
        }

        await f.IdleAsync();
        Assert.Equal(held, await f.HeldAsync(Key));
    }

    [Fact]
    public async Task A_write_that_begins_where_it_is_skipped_is_refused()
    {
        await using TieringFixture f = await OpenAsync();
        foreach (WriteOptions options in (WriteOptions[])[new() { Tier = "warm", SkipTiers = ["warm"] }, new() { Tier = "warm", OnlyTiers = ["hot"] }, new() { Tier = "tepid" }])
            await Assert.ThrowsAsync<ArgumentException>(() => f.PutAsync(Key, "value", options));
        Assert.Equal("", await f.HeldAsync(Key));
    }

    [Fact]
    public async Task The_cost_of_a_month_follows_from_what_is_held_and_what_was_asked()
    {
        TierPrice[] prices = [new() { Tier = "hot", PerGibMonth = 1m }, new() { Tier = "warm", PerGibMonth = 0.1m }, new() { Tier = "cold", PerGibMonth = 0.01m, PerThousandReads = 1m, PerThousandWrites = 10m }];
        await using TieringFixture f = await OpenAsync(new TieringOptions { Prices = prices });
        await f.Store.PutBytesAsync(Key, new byte[1 << 20], new WriteOptions { Tier = "cold" });
        f.Clock.Advance(TimeSpan.FromDays(365 / 12.0));
        await using (await f.Store.ReadAsync(Key, new ReadOptions { Consistency = ReadConsistency.Origin })) { }
        CostEstimate estimate = f.Tiering.EstimateCost();
        Assert.Equal(0.011m, estimate.Tiers[2].Requests, 6);
        Assert.InRange(estimate.Tiers[2].Storage, 0.0000097m, 0.00001m);
        Assert.True(estimate.AllHot > 0);
        Assert.Throws<ArgumentException>(() => f.Tiering.EstimateCost([prices[0]]));
    }

    [Fact]
    public async Task The_facet_is_there_and_a_store_of_one_tier_has_nothing_to_move()
    {
        await using TieringFixture f = await OpenAsync();
        Assert.True(f.Store.TryGetFacet(out ITiering? facet));
        Assert.Same(f.Tiering, facet);
        await using var alone = new TieredBlobStore([new Tier { Name = "only", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "only" }) }]);
        await alone.PutBytesAsync(Key, new byte[1]);
        Assert.Equal(0, (await alone.Tiering.RunTieringAsync()).LookedAt);
        Assert.Equal("only", await alone.Tiering.GetTierAsync(Key));
        Assert.True((await alone.Tiering.ExplainAsync(Key))!.IsAtHome);
    }
}
