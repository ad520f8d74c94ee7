using Strata.Testing;
using Xunit;
using static Strata.Tests.TieringFixture;

namespace Strata.Tests;

/// <summary>Moves that race with writes and deletes, staged: the write wins, and nothing comes back.</summary>
public sealed class TieringRaceTests
{
    [Theory]
    [InlineData(StoreOperation.OpenWriter, true)]
    [InlineData(StoreOperation.OpenWriter, false)]
    [InlineData(StoreOperation.Append, true)]
    [InlineData(StoreOperation.Append, false)]
    public async Task A_promotion_that_a_write_or_delete_overtakes_brings_nothing_back(StoreOperation held, bool isDelete)
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(Key, "old", new WriteOptions { Tier = "cold" });
        using StoreGate gate = f.Warm.Hold(held);
        Task<MoveStatus> moving = f.Tiering.PromoteAsync(Key, "warm").AsTask();
        await gate.WaitForArrivalAsync();
        if (isDelete) await f.Store.DeleteAsync(Key);
        else await f.PutAsync(Key, "new", new WriteOptions { Tier = "cold" });
        gate.Open();
        Assert.Equal(MoveStatus.Overtaken, await moving);
        Assert.Equal(isDelete ? "" : "cold", await f.HeldAsync(Key));
        Assert.Equal(isDelete ? null : "new", await f.GetAsync(Key));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_run_that_a_write_or_delete_overtakes_counts_it_and_goes_on(bool isDelete)
    {
        await using TieringFixture f = await OpenAsync();
        for (int i = 0; i < 2; i++) await f.PutAsync(KeyOf(i), "old", new WriteOptions { Tier = "hot", SkipTiers = ["warm"] });
        f.Clock.Advance(TimeSpan.FromMinutes(61));
        using StoreGate gate = f.Warm.Hold(call => call.Operation == StoreOperation.Append && call.Key == KeyOf(0));
        Task<TieringReport> run = f.Tiering.RunTieringAsync().AsTask();
        await gate.WaitForArrivalAsync();
        if (isDelete) await f.Store.DeleteAsync(KeyOf(0));
        else await f.PutAsync(KeyOf(0), "new");
        gate.Open();
        TieringReport report = await run;
        Assert.Equal((2, 1, 1), (report.LookedAt, report.Demoted, report.Overtaken));
        Assert.Equal(isDelete ? "" : "hot warm cold", await f.HeldAsync(KeyOf(0)));
        Assert.Equal(isDelete ? null : "new", await f.GetAsync(KeyOf(0)));
        Assert.Equal("warm cold", await f.HeldAsync(KeyOf(1)));

        // Written while the run looked at it, it is due as after that.
        f.Store.Tracker.Drain();
        f.Clock.Advance(TimeSpan.FromMinutes(61));
        await f.Tiering.RunTieringAsync();
        Assert.Equal(isDelete ? "" : "warm cold", await f.HeldAsync(KeyOf(0)));
    }

    [Fact]
    public async Task A_write_waits_for_a_copy_that_is_being_dropped_and_its_own_copy_stays()
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(Key, "old");
        using StoreGate gate = f.Warm.Hold(StoreOperation.Delete);
        Task<MoveStatus> moving = f.Tiering.DemoteAsync(Key, "cold").AsTask();
        await gate.WaitForArrivalAsync();
        Task<BlobInfo> writing = f.PutAsync(Key, "new");
        gate.Open();
        Assert.Equal(MoveStatus.Moved, await moving);
        await writing;
        Assert.Equal("hot warm cold", await f.HeldAsync(Key));
        Assert.Equal("new", await f.GetAsync(Key));
    }

    [Fact]
    public async Task A_use_between_a_runs_look_and_its_settling_makes_the_key_due_again()
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(Key);
        f.Clock.Advance(TimeSpan.FromHours(26));
        using StoreGate gate = f.Warm.Hold(StoreOperation.Delete);
        Task<TieringReport> run = f.Tiering.RunTieringAsync().AsTask();
        await gate.WaitForArrivalAsync();
        Task<BlobInfo> writing = f.PutAsync(Key, "new");
        gate.Open();
        await run;
        await writing;
        Assert.Equal("hot warm cold", await f.HeldAsync(Key));
        f.Clock.Advance(TimeSpan.FromMinutes(61));
        Assert.Equal(1, (await f.Tiering.RunTieringAsync()).Demoted);
        Assert.Equal("warm cold", await f.HeldAsync(Key));
    }
}
