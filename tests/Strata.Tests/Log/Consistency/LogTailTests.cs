using System.Text;
using Xunit;
using static Strata.Tests.LogFixture;

namespace Strata.Tests;

/// <summary>The end of the log: what is cut there, what is damage, and what an opening has made certain (CONSISTENCY 7).</summary>
public sealed class LogTailTests
{
    [Fact]
    public async Task A_torn_tail_is_cut_and_reported()
    {
        (SimulatedDisk disk, string segment) = await ThreeCommitsAsync();
        disk.Flip(segment, Place(disk, segment, "third"));
        var warnings = new WarningCounter();
        await using LogEngine again = Open(disk, context: StoreContext.Default with { Loggers = warnings });
        Assert.Equal(("first", "second", null), (again.Get("a"), again.Get("b"), again.Get("c")));
        Assert.True(warnings.Warnings > 0, "a cut was passed over in silence");
        await again.PutAsync("c", "later");
        await using LogEngine last = Open(disk.Kill());
        Assert.Equal("later", last.Get("c"));
    }

    [Theory]
    [InlineData("first")]
    [InlineData("second")]
    public async Task Damage_below_what_was_stated_as_durable_is_no_cut(string what)
    {
        (SimulatedDisk disk, string segment) = await ThreeCommitsAsync();
        long at = Place(disk, segment, what);
        disk.Flip(segment, at);
        StorageException e = Assert.Throws<StorageException>(() => Open(disk));
        Assert.Equal(StorageErrorKind.Corrupt, e.Kind);
        Assert.Contains(segment, e.Message, StringComparison.Ordinal);

        // It has touched nothing: mended, all is there.
        disk.Flip(segment, at);
        await using LogEngine again = Open(disk);
        Assert.Equal(("first", "second", "third"), (again.Get("a"), again.Get("b"), again.Get("c")));
    }

    [Fact]
    public async Task Damage_in_a_segment_that_a_later_one_follows_is_no_cut_even_at_its_end()
    {
        var disk = new SimulatedDisk();
        LogEngine log = Open(disk);
        await log.FillAsync();
        await log.FillAsync("more");
        LogSegment first = log.Segments.MinBy(s => s.Incarnation)!;
        uint lastFrame = first.End - LogFrameHeader.Bytes - LogFrameHeader.Bytes;
        SimulatedDisk found = disk.Kill();
        await log.DisposeAsync();
        foreach (string hint in found.Names.Where(n => n.EndsWith(".hint", StringComparison.Ordinal)).ToArray()) found.Delete(hint);
        found.Flip(LogSegmentFiles.NameOf(first.Incarnation), lastFrame);
        Assert.Equal(StorageErrorKind.Corrupt, Assert.Throws<StorageException>(() => Open(found)).Kind);
    }

    [Fact]
    public async Task What_an_opening_has_shown_outlives_a_power_cut()
    {
        var disk = new SimulatedDisk();
        LogEngine log = Open(disk, DiskDurability.OperatingSystem);
        await log.PutAsync("a", "unsynced");
        disk.Stop();
        await Assert.ThrowsAsync<SimulatedCrashException>(() => log.DisposeAsync().AsTask());

        // The first opening sees what the process that was killed has written; from then on it is certain.
        SimulatedDisk killed = disk.Kill();
        await using LogEngine shown = Open(killed, DiskDurability.OperatingSystem);
        Assert.Equal("unsynced", shown.Get("a"));
        await using LogEngine again = Open(killed.CutPower(new Random(1), PowerCut.LosesAll));
        Assert.Equal("unsynced", again.Get("a"));
    }

    /// <summary>After a failed sync Linux counts pages as clean that are on no medium: they are read until they leave the cache, and no later sync writes them.</summary>
    [Theory]
    [InlineData(DiskDurability.Flush)]
    [InlineData(DiskDurability.Interval)]
    [InlineData(DiskDurability.OperatingSystem)]
    public async Task What_only_the_cache_holds_after_a_failed_sync_is_not_made_part_of_the_log(DiskDurability durability)
    {
        var disk = new SimulatedDisk();
        LogEngine log = Open(disk, durability);
        await log.PutAsync("a", "durable");
        await log.FlushAsync();
        disk.Faults = call => call.Operation == DiskOperation.Sync ? DiskFault.SyncLosesPages : DiskFault.None;
        await RefusedAsync(
            async () =>
            {
                await log.PutAsync("b", "in the cache alone");
                await log.FlushAsync();
            },
            WriteOutcome.Unknown);
        SimulatedDisk killed = disk.Kill();
        await log.DisposeAsync();
        await using LogEngine shown = Open(killed, durability);
        Assert.Equal("durable", shown.Get("a"));
        string? b = shown.Get("b");
        await shown.PutAsync("c", "later");
        await shown.FlushAsync();
        await using LogEngine again = Open(killed.CutPower(new Random(1), PowerCut.LosesAll));
        Assert.Equal(("durable", b, "later"), (again.Get("a"), again.Get("b"), again.Get("c")));
    }

    [Theory]
    [InlineData(DiskDurability.Interval)]
    [InlineData(DiskDurability.OperatingSystem)]
    public async Task A_segment_is_on_the_medium_before_its_successor_has_its_first_record(DiskDurability durability)
    {
        var disk = new SimulatedDisk();
        var cuts = new List<(SimulatedDisk Disk, int Committed)>();
        int committed = 0;
        string? active = null;
        disk.Before = call =>
        {
            if (call.Operation != DiskOperation.Write || call.Offset < LogSegmentHeader.FramesAt || !call.Name.EndsWith(".seg", StringComparison.Ordinal) || call.Name == active) return;

            // The first record of a segment, or the seal of the last.
            if (active is not null && string.CompareOrdinal(call.Name, active) > 0) cuts.Add((disk.CutPower(new Random(1), PowerCut.LosesAll), committed));
            active = call.Name;
        };
        await using LogEngine log = Open(disk, durability);
        for (; cuts.Count < 5; committed++) await log.PutAsync($"key {committed}", Long);
        foreach ((SimulatedDisk found, int count) in cuts)
        {
            await using LogEngine again = Open(found);
            for (int i = 0; i < count; i++) Assert.True(again.TryLocate(Key($"key {i}"), out _), $"'key {i}' of {count} is lost, though a later segment was begun: what is found would not be a prefix");
        }
    }

    private static async Task<(SimulatedDisk Disk, string Segment)> ThreeCommitsAsync()
    {
        var disk = new SimulatedDisk();
        LogEngine log = Open(disk);
        await log.PutAsync("a", "first");
        await log.PutAsync("b", "second");
        await log.PutAsync("c", "third");
        string segment = LogSegmentFiles.NameOf(log.Appender.Active!.Incarnation);
        SimulatedDisk killed = disk.Kill();
        await log.DisposeAsync();
        return (killed, segment);
    }

    private static long Place(SimulatedDisk disk, string segment, string value)
    {
        int at = disk.BytesOf(segment).AsSpan().IndexOf(Encoding.UTF8.GetBytes(value));
        Assert.True(at > 0);
        return at;
    }
}
