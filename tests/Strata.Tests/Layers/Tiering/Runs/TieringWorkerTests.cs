using Strata.Testing;
using Xunit;
using static Strata.Tests.TieringFixture;

namespace Strata.Tests;

/// <summary>Runs that come by themselves: when, how fast, and what is told of those that fail.</summary>
public sealed class TieringWorkerTests
{
    [Fact]
    public async Task Runs_come_by_themselves_within_their_budget()
    {
        await using TieringFixture f = await OpenAsync(new TieringOptions { RunEvery = TimeSpan.FromHours(2), RunBudget = new TieringRun { MaxOperations = 2 } });
        for (int i = 0; i < 3; i++) await f.PutAsync(KeyOf(i));
        Assert.Equal(f.Clock.GetUtcNow().AddHours(2), f.Tiering.GetTieringStatus().Next);
        f.Clock.Advance(TimeSpan.FromHours(2));
        await Eventually.HoldsAsync(() => f.Tiering.GetTieringStatus() is { Runs: 1, Next: not null }, "the run did not come");
        Assert.Equal((2, 1), (f.Tiering.GetTieringStatus().Last!.Demoted, f.Tiering.GetTieringStatus().Last!.Left));
        f.Clock.Advance(TimeSpan.FromHours(2));
        await Eventually.HoldsAsync(() => f.Tiering.GetTieringStatus() is { Runs: 2, Next: not null }, "the second run did not come");
        Assert.Equal(3, f.Tiering.GetTieringStatus().Demoted);
        Assert.Equal([1, 2], f.Tiering.GetTieringStatus().Recent.Select(run => run.Demoted));
    }

    [Fact]
    public async Task A_run_that_fails_is_told_and_the_next_one_comes()
    {
        await using TieringFixture f = await OpenAsync(new TieringOptions { RunEvery = TimeSpan.FromHours(2) });
        for (int i = 0; i < 10; i++) await f.PutAsync(KeyOf(i));
        f.ColdFaults.Inject(StoreFault.On(StoreOperation.Stat));
        f.Clock.Advance(TimeSpan.FromHours(2));
        await Eventually.HoldsAsync(() => f.Tiering.GetTieringStatus() is { Failed: 10, Next: not null }, "the run did not fail");
        f.ColdFaults.Heal();
        f.Clock.Advance(TimeSpan.FromHours(2));
        await Eventually.HoldsAsync(() => f.Tiering.GetTieringStatus().Demoted == 10, "the next run did not come");
        f.State.DieAt(0);
        f.Clock.Advance(TimeSpan.FromHours(2));
        await Eventually.HoldsAsync(() => f.Tiering.GetTieringStatus().FailedRuns == 1, "rows that cannot be read failed no run");
        Assert.Equal("This process has ended.", f.Tiering.GetTieringStatus().LastError);
    }

    [Fact]
    public async Task Bytes_a_second_are_bounded()
    {
        await using TieringFixture f = await OpenAsync(new TieringOptions { RunEvery = TimeSpan.FromHours(2), RunBytesPerSecond = 1024 });
        for (int i = 0; i < 3; i++) await f.PutAsync(KeyOf(i), new string('x', 10 << 10), new WriteOptions { Tier = "hot", SkipTiers = ["warm"] });
        f.Clock.Advance(TimeSpan.FromHours(2));
        for (int copied = 1; copied <= 3; copied++)
        {
            await Eventually.HoldsAsync(() => Demoted() == copied, $"copy {copied} did not come");
            if (copied == 3) break;
            Assert.True(f.Tiering.GetTieringStatus().IsRunning);

            // It is told before the run begins to wait.
            await f.Clock.WaitForTimerAsync(TimeSpan.FromSeconds(10));
            f.Clock.Advance(TimeSpan.FromSeconds(9));
            Assert.Equal(copied, Demoted());
            f.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        long Demoted() => f.Tiering.GetTieringStatus() is { IsRunning: true } running ? running.Progress.Demoted : f.Tiering.GetTieringStatus().Demoted;
    }
}
