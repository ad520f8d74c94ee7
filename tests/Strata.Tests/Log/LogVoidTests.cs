using Xunit;

namespace Strata.Tests.Log;

/// <summary>
/// A segment that a write failed in ends where the next segment's void says. Without the void its end could not be told
/// from damage, or what was refused would count again: so the void stays for as long as it is needed.
/// </summary>
public sealed class LogVoidTests
{
    private const int Long = 10_000;
    private static readonly LogOptions Options = new() { Name = "test", SegmentBytes = LogOptions.MinSegmentBytes, CompactionBytesPerSecond = null };

    /// <summary>A compaction that runs while a write fails goes on with the segment that has the void, which is all garbage by then; the one that the void ends has no hint yet.</summary>
    [Fact]
    public async Task The_segment_with_the_void_does_not_go_before_the_one_that_it_ends_is_ended()
    {
        var disk = new SimulatedDisk();
        LogEngine log = LogEngine.Open(Options, disk);
        HeldCall compaction = disk.Hold(call => call.Operation == DiskOperation.Create && call.Name.EndsWith(".tmp", StringComparison.Ordinal) && !call.Name.Contains("hint", StringComparison.Ordinal));
        await LogEngineTests.Put(log, "live", "value");
        await FillSegmentAsync(log);
        await compaction.Entered.WaitAsync(TimeSpan.FromSeconds(20));

        (uint cut, uint carrier) = await FailWriteAsync(log, disk);
        await FillSegmentAsync(log);
        await FillSegmentAsync(log);

        // The process ends right after the segment with the void is gone.
        bool isGone = false;
        disk.Faults = call =>
        {
            if (isGone) return DiskFault.Stop;
            isGone = call.Operation is DiskOperation.Rename or DiskOperation.Delete && call.Name == LogSegmentFiles.NameOf(carrier);
            return DiskFault.None;
        };
        compaction.Release();
        await Eventually.HoldsAsync(() => disk.IsStopped, "compaction takes the segment with the void");

        SimulatedDisk found = disk.Kill();
        Assert.IsType<SimulatedCrashException>(await Record.ExceptionAsync(async () => await log.DisposeAsync()));
        Assert.DoesNotContain(LogSegmentFiles.NameOf(carrier), found.Names);
        Assert.Contains(LogSegmentFiles.NameOf(cut), found.Names);
        await CheckAsync(found);
    }

    /// <summary>A damaged hint must cost a scan, and no more than that: also when the void is gone.</summary>
    [Fact]
    public async Task A_segment_that_a_write_failed_in_is_read_without_its_hint_when_its_void_is_gone()
    {
        var disk = new SimulatedDisk();
        uint cut, carrier;
        await using (LogEngine log = LogEngine.Open(Options, disk))
        {
            (cut, carrier) = await FailWriteAsync(log, disk);
            await FillSegmentAsync(log);
            await FillSegmentAsync(log);
            await log.CompactAsync(0.4, CancellationToken.None);
        }

        Assert.DoesNotContain(LogSegmentFiles.NameOf(carrier), disk.Names);
        disk.Delete(LogSegmentFiles.HintNameOf(cut));
        await CheckAsync(disk);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task While_the_segment_cannot_be_ended_its_void_stays_whatever_else_is_compacted(bool isHintLost)
    {
        var disk = new SimulatedDisk();
        LogEngine log = LogEngine.Open(Options, disk);
        (uint cut, uint carrier) = await FailWriteAsync(log, disk, fromThenOn: true);
        await FillSegmentAsync(log);
        await FillSegmentAsync(log);
        await FillSegmentAsync(log);
        await log.CompactAsync(0.1, CancellationToken.None);
        Assert.True(log.GetStatistics().Compactions > 0);
        Assert.Contains(LogSegmentFiles.NameOf(carrier), disk.Names);
        SimulatedDisk found = disk.Kill();
        await log.DisposeAsync();

        // The next opening can end it: with the hint in the background, without it at once.
        if (isHintLost) found.Delete(LogSegmentFiles.HintNameOf(cut));
        await using (LogEngine again = LogEngine.Open(Options, found))
        {
            Check(again);
            await again.CompactAsync(0.4, CancellationToken.None);
        }

        Assert.DoesNotContain(LogSegmentFiles.NameOf(carrier), found.Names);
        if (found.Exists(LogSegmentFiles.HintNameOf(cut))) found.Delete(LogSegmentFiles.HintNameOf(cut));
        await CheckAsync(found);
    }

    /// <summary>Sees that what was refused is not there and what was acknowledged is, after an opening and one more.</summary>
    private static async Task CheckAsync(SimulatedDisk disk)
    {
        for (int opening = 0; opening < 2; opening++)
        {
            await using LogEngine log = LogEngine.Open(Options, disk);
            Check(log);
            await LogEngineTests.Put(log, "after", "value");
        }
    }

    private static void Check(LogEngine log)
    {
        Assert.Equal(3 * Long, LogEngineTests.Read(log, "kept")?.Length);
        Assert.Null(LogEngineTests.Read(log, "refused"));
    }

    /// <summary>Puts a value that stays, and fails to put another, after which, on request, nothing more can be written to that segment.</summary>
    /// <returns>The segment that the write failed in, and the one with the void.</returns>
    private static async Task<(uint Cut, uint Carrier)> FailWriteAsync(LogEngine log, SimulatedDisk disk, bool fromThenOn = false)
    {
        await LogEngineTests.Put(log, "kept", new string('k', 3 * Long));
        Assert.True(log.TryLocate(LogEngineTests.Key("kept"), out LogLocation kept));
        int writes = 0;
        if (fromThenOn) disk.Faults = call => call.Operation == DiskOperation.Write && call.Name == LogSegmentFiles.NameOf(kept.Segment) && ++writes > 1 ? DiskFault.Fail : DiskFault.None;
        disk.FailAt(DiskOperation.Sync, 1, DiskFault.SyncFails);
        StorageException refused = await Assert.ThrowsAsync<StorageException>(() => LogEngineTests.Put(log, "refused", "value"));
        Assert.Equal(WriteOutcome.NotApplied, refused.Outcome);
        await LogEngineTests.Put(log, "filler", "value");
        Assert.True(log.TryLocate(LogEngineTests.Key("filler"), out LogLocation next));
        Assert.NotEqual(kept.Segment, next.Segment);
        return (kept.Segment, next.Segment);
    }

    /// <summary>Writes one key again and again until another segment is begun.</summary>
    private static async Task FillSegmentAsync(LogEngine log)
    {
        uint first = 0;
        for (int i = 0; ; i++)
        {
            await LogEngineTests.Put(log, "filler", new string('f', Long));
            Assert.True(log.TryLocate(LogEngineTests.Key("filler"), out LogLocation at));
            if (i == 0) first = at.Segment;
            else if (at.Segment != first) return;
        }
    }
}
