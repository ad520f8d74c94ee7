using Strata.Testing;
using Xunit;
using static Strata.Tests.TieringFixture;

namespace Strata.Tests;

/// <summary>A tiering run takes what is due to where it belongs, looks at nothing else, and ends cleanly whatever ends it.</summary>
public sealed class TieringRunTests
{
    private static readonly TimeSpan PastHot = TimeSpan.FromMinutes(61), PastWarm = TimeSpan.FromHours(24);

    [Fact]
    public async Task What_nobody_uses_goes_down_a_tier_and_then_another()
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(Key);
        Assert.Equal("hot warm cold", await f.HeldAsync(Key));
        Assert.Equal(0, (await f.Tiering.RunTieringAsync()).LookedAt);
        f.Clock.Advance(PastHot);
        TieringReport report = await f.Tiering.RunTieringAsync();
        Assert.Equal((1, 0, 1, 0, TieringEnd.Done), (report.LookedAt, report.Promoted, report.Demoted, report.Bytes, report.End));
        Assert.Equal("warm cold", await f.HeldAsync(Key));
        f.Clock.Advance(PastWarm);
        Assert.Equal(1, (await f.Tiering.RunTieringAsync()).Demoted);
        Assert.Equal("cold", await f.HeldAsync(Key));
        f.Clock.Advance(TimeSpan.FromDays(365));
        Assert.Equal(0, (await f.Tiering.RunTieringAsync()).LookedAt);
        Assert.Equal("value", await f.GetAsync(Key));
    }

    [Fact]
    public async Task A_read_brings_it_back_and_it_is_due_again()
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(Key, options: new WriteOptions { Tier = "cold" });
        Assert.Equal("cold", await f.HeldAsync(Key));
        f.Clock.Advance(TimeSpan.FromDays(2));
        await f.Tiering.RunTieringAsync();
        await f.GetAsync(Key);
        await f.IdleAsync();
        Assert.Equal("hot warm cold", await f.HeldAsync(Key));
        f.Clock.Advance(PastHot);
        Assert.Equal(1, (await f.Tiering.RunTieringAsync()).Demoted);
        Assert.Equal("warm cold", await f.HeldAsync(Key));
    }

    [Fact]
    public async Task What_is_used_often_in_a_slow_tier_is_promoted()
    {
        await using TieringFixture f = await OpenAsync(new TieringOptions { Policy = new TieringPolicy { HotFor = TimeSpan.FromMinutes(10) } });
        await f.PutAsync(Key, options: new WriteOptions { Tier = "cold" });
        await f.Tiering.RunTieringAsync();
        f.Clock.Advance(TimeSpan.FromMinutes(9));
        for (int i = 0; i < 5; i++) await using (await f.Store.ReadAsync(Key, new ReadOptions { Consistency = ReadConsistency.Origin })) { }
        f.Clock.Advance(TimeSpan.FromMinutes(2));
        TieringReport report = await f.Tiering.RunTieringAsync();
        Assert.Equal((1, 0, 5), (report.Promoted, report.Demoted, report.Bytes));
        Assert.Equal("hot cold", await f.HeldAsync(Key));
        Assert.True(f.Store.TryRead(Key, out _));
    }

    [Fact]
    public async Task The_cost_of_a_run_is_what_is_due_and_not_what_is_stored()
    {
        const int Keys = 10_000, Due = 100;
        await using TieringFixture f = await OpenAsync();
        for (int i = 0; i < Due; i++) await f.PutAsync(KeyOf(i * (Keys / Due)));
        f.Clock.Advance(TimeSpan.FromMinutes(30));
        for (int i = 0; i < Keys; i++)
        {
            if (i % (Keys / Due) != 0) await f.PutAsync(KeyOf(i));
        }

        f.Clock.Advance(TimeSpan.FromMinutes(31));
        while (f.Store.Tracker.GetStatistics().Changed > 0) await f.Tiering.RunTieringAsync(new TieringRun { DryRun = true, MaxOperations = 1 });
        long rows = f.State.Read, stats = f.Cold.CountOf(StoreOperation.Stat) + f.Warm.CountOf(StoreOperation.Stat), others = Others();
        TieringReport report = await f.Tiering.RunTieringAsync();
        Assert.Equal((Due, Due, 0), (report.LookedAt, report.Demoted, report.Left));
        Assert.Equal(2 * Due, f.Cold.CountOf(StoreOperation.Stat) + f.Warm.CountOf(StoreOperation.Stat) - stats);
        Assert.Equal(others, Others());
        Assert.InRange(f.State.Read - rows, Due, 2 * Due);

        // A demotion into a tier that holds the blob already asks nothing but where it is.
        long Others() => Enum.GetValues<StoreOperation>().Where(operation => operation != StoreOperation.Stat).Sum(operation => f.Cold.CountOf(operation) + f.Warm.CountOf(operation));
    }

    [Fact]
    public async Task A_budget_of_operations_ends_a_run_and_the_rest_stays_due()
    {
        await using TieringFixture f = await OpenAsync();
        for (int i = 0; i < 5; i++) await f.PutAsync(KeyOf(i));
        f.Clock.Advance(PastHot);
        TieringReport report = await f.Tiering.RunTieringAsync(new TieringRun { MaxOperations = 2 });
        Assert.Equal((2, 2, 3, TieringEnd.Budget), (report.LookedAt, report.Demoted, report.Left, report.End));
        report = await f.Tiering.RunTieringAsync(new TieringRun { MaxOperations = 100 });
        Assert.Equal((3, 3, 0, TieringEnd.Done), (report.LookedAt, report.Demoted, report.Left, report.End));
    }

    [Fact]
    public async Task A_budget_of_bytes_ends_a_run_and_one_blob_that_is_longer_goes_all_the_same()
    {
        await using TieringFixture f = await OpenAsync();
        for (int i = 0; i < 3; i++) await f.PutAsync(KeyOf(i), new string('x', 1000), new WriteOptions { Tier = "hot", SkipTiers = ["warm"] });
        f.Clock.Advance(PastHot);
        TieringReport report = await f.Tiering.RunTieringAsync(new TieringRun { MaxBytes = 2500 });
        Assert.Equal((2, 2000, 1, TieringEnd.Budget), (report.Demoted, report.Bytes, report.Left, report.End));
        Assert.Equal((1, 1000, 0), (await f.Tiering.RunTieringAsync(new TieringRun { MaxBytes = 10 })) is var last ? (last.Demoted, last.Bytes, last.Left) : default);
        for (int i = 0; i < 3; i++) Assert.Equal("warm cold", await f.HeldAsync(KeyOf(i)));
    }

    [Fact]
    public async Task A_dry_run_says_what_it_would_do_and_changes_nothing()
    {
        await using TieringFixture f = await OpenAsync();
        for (int i = 0; i < 600; i++) await f.PutAsync(KeyOf(i));
        f.Clock.Advance(PastHot);
        TieringReport report = await f.Tiering.RunTieringAsync(new TieringRun { DryRun = true, MaxListed = 3 });
        Assert.True(report.IsDryRun);
        Assert.Equal((600, 600, 0), (report.LookedAt, report.Demoted, report.Left));
        Assert.Equal([.. Enumerable.Range(0, 3).Select(i => new PlannedMove(KeyOf(i), "hot", "warm", 5, PlacementCause.Age))], report.Planned);
        for (int i = 0; i < 600; i++) Assert.Equal("hot warm cold", await f.HeldAsync(KeyOf(i)));
        Assert.Equal((0, null), (f.Tiering.GetTieringStatus().Runs, f.Tiering.GetTieringStatus().Last));
        Assert.Equal(600, (await f.Tiering.RunTieringAsync()).Demoted);
    }

    [Fact]
    public async Task Rules_and_pins_win()
    {
        var policy = new TieringPolicy { Rules = [new PlacementRule { Prefix = "keep/", Tier = "hot" }, new PlacementRule { Prefix = "logs/", Tier = "cold" }, new PlacementRule { Prefix = "big/", Hottest = "warm" }] };
        await using TieringFixture f = await OpenAsync(new TieringOptions { Policy = policy });
        BlobKey kept = BlobKey.Parse("keep/a"), log = BlobKey.Parse("logs/a"), big = BlobKey.Parse("big/a");
        foreach (BlobKey key in (BlobKey[])[kept, log, big, Key]) await f.PutAsync(key);
        Assert.Equal(MoveStatus.Moved, await f.Tiering.PinAsync(kept, "warm"));
        Assert.Equal(("warm cold", "cold", "warm cold"), (await f.HeldAsync(kept), await f.HeldAsync(log), await f.HeldAsync(big)));
        foreach (BlobKey key in (BlobKey[])[kept, log, big]) await f.GetAsync(key);
        await f.IdleAsync();
        Assert.Equal(("warm cold", "cold", "warm cold"), (await f.HeldAsync(kept), await f.HeldAsync(log), await f.HeldAsync(big)));
        f.Clock.Advance(TimeSpan.FromDays(2));
        await f.Tiering.RunTieringAsync();
        Assert.Equal(("warm cold", "cold", "cold", "cold"), (await f.HeldAsync(kept), await f.HeldAsync(log), await f.HeldAsync(big), await f.HeldAsync(Key)));
        Assert.True(await f.Tiering.UnpinAsync(kept));
        Assert.Equal(1, (await f.Tiering.RunTieringAsync()).Promoted);
        Assert.Equal("hot warm cold", await f.HeldAsync(kept));
    }

    [Fact]
    public async Task A_tier_that_fails_costs_its_blobs_a_minute_and_is_told()
    {
        await using TieringFixture f = await OpenAsync();
        for (int i = 0; i < 3; i++) await f.PutAsync(KeyOf(i));
        f.Clock.Advance(PastHot + PastWarm);
        f.WarmFaults.Inject(StoreFault.On(StoreOperation.Delete) with { When = call => call.Operation == StoreOperation.Delete && call.Key == KeyOf(1) });
        TieringReport report = await f.Tiering.RunTieringAsync();
        Assert.Equal((3, 2, 1, TieringEnd.Done), (report.LookedAt, report.Demoted, report.Failed, report.End));
        Assert.NotNull(report.FirstError);
        Assert.Equal("value", await f.GetAsync(KeyOf(1)));
        await f.IdleAsync();
        f.WarmFaults.Heal();
        Assert.Equal(0, (await f.Tiering.RunTieringAsync()).LookedAt);
        f.Clock.Advance(PastHot + PastWarm);
        Assert.Equal(1, (await f.Tiering.RunTieringAsync()).LookedAt);
        Assert.Equal("cold", await f.HeldAsync(KeyOf(1)));
    }

    [Fact]
    public async Task A_run_does_not_go_on_against_a_tier_that_is_out()
    {
        await using TieringFixture f = await OpenAsync();
        for (int i = 0; i < 50; i++) await f.PutAsync(KeyOf(i));
        f.Clock.Advance(PastHot);
        f.ColdFaults.Inject(StoreFault.On(StoreOperation.Stat));
        TieringReport report = await f.Tiering.RunTieringAsync();
        Assert.Equal((10, 10, 40, TieringEnd.Failures), (report.LookedAt, report.Failed, report.Left, report.End));
        TieringStatus status = f.Tiering.GetTieringStatus();
        Assert.Equal((1, 10, report.FirstError), (status.FailedRuns, status.Failed, status.LastError));
        f.ColdFaults.Heal();
        f.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(50, (await f.Tiering.RunTieringAsync()).Demoted);
        Assert.Null(f.Tiering.GetTieringStatus().LastError);
    }

    [Fact]
    public async Task A_cancelled_run_ends_before_the_next_blob_and_what_it_did_is_done()
    {
        await using TieringFixture f = await OpenAsync();
        for (int i = 0; i < 3; i++) await f.PutAsync(KeyOf(i));
        f.Clock.Advance(PastHot);
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => f.Tiering.RunTieringAsync(null, new Told(_ => stop.Cancel()), stop.Token).AsTask());
        Assert.Equal(1, f.Tiering.GetTieringStatus().Demoted);
        Assert.False(f.Tiering.GetTieringStatus().IsRunning);
        Assert.Equal(("warm cold", "hot warm cold"), (await f.HeldAsync(KeyOf(0)), await f.HeldAsync(KeyOf(1))));
        Assert.Equal(2, (await f.Tiering.RunTieringAsync()).LookedAt);
    }

    [Fact]
    public async Task One_run_at_a_time_and_closing_ends_it_before_its_next_blob()
    {
        TieringFixture f = await OpenAsync();
        for (int i = 0; i < 3; i++) await f.PutAsync(KeyOf(i));
        f.Clock.Advance(PastHot);
        using StoreGate gate = f.Cold.Hold(StoreOperation.Stat);
        Task<TieringReport> first = f.Tiering.RunTieringAsync().AsTask();
        await gate.WaitForArrivalAsync();
        Task<TieringReport> second = f.Tiering.RunTieringAsync().AsTask();
        Assert.True(f.Tiering.GetTieringStatus().IsRunning);
        Task closing = f.DisposeAsync().AsTask();
        gate.Open();
        Assert.Equal(StorageErrorKind.Closed, (await Assert.ThrowsAsync<StorageException>(() => first)).Kind);
        Assert.Equal(StorageErrorKind.Closed, (await Assert.ThrowsAsync<StorageException>(() => second)).Kind);
        await closing;
        Assert.Equal(1, gate.Arrived);
        Assert.Equal(StorageErrorKind.Closed, (await Assert.ThrowsAsync<StorageException>(() => f.Tiering.RunTieringAsync().AsTask())).Kind);
    }

    [Fact]
    public async Task What_is_gone_is_forgotten()
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(KeyOf(0), options: new WriteOptions { Expires = f.Clock.GetUtcNow().AddMinutes(5) });
        await f.PutAsync(KeyOf(1));
        await f.Tiering.RunTieringAsync();
        await f.Store.DeleteAsync(KeyOf(1));
        f.Clock.Advance(PastHot);
        TieringReport report = await f.Tiering.RunTieringAsync();
        Assert.Equal((1, 0, TieringEnd.Done), (report.LookedAt, report.Demoted, report.End));
        Assert.Equal(default, f.Store.Tracker.UseOf(KeyOf(0)));
        Assert.Equal(default, f.Store.Tracker.UseOf(KeyOf(1)));
        Assert.Equal(0, (await f.Tiering.RunTieringAsync()).LookedAt);
    }

    [Fact]
    public async Task A_key_in_doubt_is_left_alone()
    {
        await using TieringFixture f = await OpenAsync();
        await f.PutAsync(Key);
        f.ColdFaults.Inject(StoreFault.OnNth(StoreOperation.Write, 1) with { Error = _ => new StorageException(StorageErrorKind.Timeout, "no reply") { Outcome = WriteOutcome.Unknown } });
        await Assert.ThrowsAsync<StorageException>(() => f.PutAsync(Key, "unknown"));
        Assert.True((await f.Tiering.ExplainAsync(Key))!.IsInDoubt);
        Assert.Equal(MoveStatus.Refused, await f.Tiering.DemoteAsync(Key, "cold"));
        string held = await f.HeldAsync(Key);
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => f.Tiering.DeleteFromAsync(Key, ["hot", "warm"]).AsTask());
        Assert.Equal(StorageErrorKind.Changed, e.Kind);
        Assert.Equal(held, await f.HeldAsync(Key));
    }

    [Theory]
    [InlineData(0, null, 10)]
    [InlineData(null, 0, 10)]
    [InlineData(null, null, 100_001)]
    public async Task Budgets_out_of_range_are_refused(int? operations, int? bytes, int listed)
    {
        await using TieringFixture f = await OpenAsync();
        await Assert.ThrowsAsync<ArgumentException>(() => f.Tiering.RunTieringAsync(new TieringRun { MaxOperations = operations, MaxBytes = bytes, MaxListed = listed }).AsTask());
    }

    private sealed class Told(Action<TieringProgress> told) : IProgress<TieringProgress>
    {
        public void Report(TieringProgress value) => told(value);
    }
}
