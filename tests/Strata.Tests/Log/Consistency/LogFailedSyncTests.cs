using Strata.Testing;
using Xunit;
using static Strata.Tests.LogFixture;

namespace Strata.Tests;

/// <summary>A write or a sync that failed: what was in it is voided before anybody is told, or, where not even that succeeds, the log is read-only until it is opened again (CONSISTENCY 7).</summary>
public sealed class LogFailedSyncTests
{
    [Theory]
    [InlineData(DiskOperation.Sync, DiskFault.SyncFails)]
    [InlineData(DiskOperation.Sync, DiskFault.SyncLosesPages)]
    [InlineData(DiskOperation.Sync, DiskFault.SyncLosesSomePages)]
    [InlineData(DiskOperation.Sync, DiskFault.FailAfterwards)]
    [InlineData(DiskOperation.Write, DiskFault.Fail)]
    [InlineData(DiskOperation.Write, DiskFault.ShortWrite)]
    [InlineData(DiskOperation.Write, DiskFault.ShortWriteThenFull)]
    [InlineData(DiskOperation.Write, DiskFault.FailAfterwards)]
    public async Task A_commit_whose_call_failed_was_not_applied_for_ever_and_writing_goes_on(object operation, object fault)
    {
        var disk = new SimulatedDisk();
        await using LogEngine log = Open(disk);
        await log.PutAsync("key", "old");
        disk.FailAt((DiskOperation)operation, 1, (DiskFault)fault);
        await RefusedAsync(() => log.PutAsync("key", "refused"));
        Assert.Equal("old", log.Get("key"));
        Assert.Null(log.GetStatistics().ReadOnlyBecause);

        // Told so, it must hold from now on: before anything else is written, and after.
        await ExpectAsync(disk, "old", null);
        await log.PutAsync("other", "value");
        await ExpectAsync(disk, "old", "value");
        Assert.Equal(("old", "value"), (log.Get("key"), log.Get("other")));
    }

    [Theory]
    [InlineData(DiskFault.SyncFails)]
    [InlineData(DiskFault.SyncLosesPages)]
    [InlineData(DiskFault.SyncLosesSomePages)]
    [InlineData(DiskFault.FailAfterwards)]
    public async Task Where_the_void_fails_too_the_outcome_is_unknown_and_the_log_is_read_only_until_it_is_opened_again(object fault)
    {
        var disk = new SimulatedDisk();
        LogEngine log = Open(disk);
        await log.PutAsync("key", "old");
        disk.Faults = call => call.Operation == DiskOperation.Sync ? (DiskFault)fault : DiskFault.None;
        await RefusedAsync(() => log.PutAsync("key", "in doubt"), WriteOutcome.Unknown);
        Assert.Equal("old", log.Get("key"));
        Assert.NotNull(log.GetStatistics().ReadOnlyBecause);
        disk.Faults = null;
        foreach (Func<Task> write in (Func<Task>[])[() => log.PutAsync("other", "value"), () => log.DeleteAsync("key")])
        {
            StorageException e = await RefusedAsync(write);
            Assert.Equal(StorageErrorKind.Unavailable, e.Kind);
            Assert.Contains("opened again", e.Message, StringComparison.Ordinal);
        }

        Assert.Equal("old", log.Get("key"));
        SimulatedDisk[] found = [disk.Kill(), disk.CutPower(new Random(1)), disk.CutPower(new Random(2), PowerCut.LosesAll)];
        await log.DisposeAsync();
        foreach (SimulatedDisk each in (SimulatedDisk[])[.. found, disk])
        {
            await using LogEngine again = Open(each);
            string? value = again.Get("key");
            Assert.True(value is "old" or "in doubt", $"neither the old value nor the new one is found, but {value ?? "none"}");
            Assert.False(again.TryLocate(Key("other"), out _), "what was refused as not applied is found");
            await again.PutAsync("other", "value");
            await ExpectAsync(each, value, "value");
        }
    }

    [Fact]
    public async Task A_flush_in_the_background_that_fails_makes_the_log_read_only_and_is_told()
    {
        var disk = new SimulatedDisk();
        var clock = new FakeClock();
        var warnings = new WarningCounter();
        await using LogEngine log = Open(disk, DiskDurability.Interval, StoreContext.Default with { Clock = clock, Loggers = warnings });
        await log.PutAsync("key", "acknowledged");
        disk.FailAt(DiskOperation.Sync, 1, DiskFault.SyncFails);
        clock.Advance(TimeSpan.FromSeconds(1));
        await Eventually.HoldsAsync(() => log.GetStatistics().ReadOnlyBecause is not null, "what was acknowledged is in doubt, and nobody is told");
        Assert.True(warnings.Warnings > 0);
        await RefusedAsync(() => log.PutAsync("key", "later"));
        Assert.Equal("acknowledged", log.Get("key"));
    }

    /// <summary>Whatever ends the task that flushes: acknowledged writes would never again be put on the medium, in silence.</summary>
    [Fact]
    public async Task A_flush_in_the_background_that_ends_as_nobody_foresaw_is_told_as_well()
    {
        var disk = new SimulatedDisk();
        var clock = new FakeClock();
        LogEngine log = Open(disk, DiskDurability.Interval, StoreContext.Default with { Clock = clock });
        await log.PutAsync("key", "acknowledged");
        disk.Before = call =>
        {
            if (call.Operation == DiskOperation.Sync) throw new InvalidOperationException("an error in the code");
        };
        clock.Advance(TimeSpan.FromSeconds(1));
        await Eventually.HoldsAsync(() => log.GetStatistics().ReadOnlyBecause is not null, "the log goes on without the flushes that it promises");
        disk.Before = null;
        await log.DisposeAsync();
        Assert.Equal(0, disk.OpenFiles);
    }

    private static async Task ExpectAsync(SimulatedDisk disk, string? key, string? other)
    {
        foreach (SimulatedDisk found in (SimulatedDisk[])[disk.Kill(), disk.CutPower(new Random(1)), disk.CutPower(new Random(2), PowerCut.LosesAll)])
        {
            await using LogEngine again = Open(found);
            Assert.Equal((key, other), (again.Get("key"), again.Get("other")));
        }
    }
}
