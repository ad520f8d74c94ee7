using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using static Strata.Tests.LogFixture;

namespace Strata.Tests;

/// <summary>Recycled segments: what was in one is never taken for what is in it now, and none is recycled under its readers.</summary>
public sealed class LogRecyclingTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_a_recycled_segment_held_before_is_not_read_when_what_is_new_in_it_is_lost()
    {
        var disk = new SimulatedDisk();
        int lives = 0;
        await using (LogEngine log = LogEngine.Open(Options with { Durability = DiskDurability.OperatingSystem, Now = () => long.MaxValue }, disk))
        {
            for (int i = 0; i < 12; i++) await log.PutAsync($"old {i}", Long);
            for (int i = 0; i < 12; i++) await log.DeleteAsync($"old {i}");
            for (int i = 0; i < 2; i++) await log.FillAsync("garbage", isGarbage: true);

            // Nothing is left of the old keys but their bytes: not even tombstones, which would hide them.
            await Eventually.HoldsAsync(
                async () =>
                {
                    await log.CompactAsync(0.02, CancellationToken.None);
                    return log.GetStatistics() is { Tombstones: 0, SpareSegments: > 2 };
                },
                what: "compaction leaves tombstones that hide nothing, or no spares");
            string Active() => LogSegmentFiles.NameOf(log.Appender.Active!.Incarnation);
            for (int i = 0; i < 20 && !Contains(disk.BytesOf(Active()), "old "); i++) await log.FillAsync("new", isGarbage: true);
            string active = Active();
            for (int seed = 0; seed < 20; seed++)
            {
                SimulatedDisk found = disk.CutPower(new Random(seed), seed == 0 ? PowerCut.LosesAll : PowerCut.AnySubset);
                if (Contains(found.BytesOf(active), "old ")) lives++;
                await using LogEngine again = Open(found);
                for (int i = 0; i < 12; i++) Assert.False(again.TryLocate(Key($"old {i}"), out _), $"'old {i}' was deleted, and comes back out of a recycled segment");
            }
        }

        Assert.True(lives > 0, "no recycled segment held old entries after a power cut, so nothing is tested");
    }

    [Fact]
    public void A_file_is_recycled_only_once_its_new_name_is_on_the_medium()
    {
        var disk = new SimulatedDisk();
        LogSegmentFiles files = FilesOn(disk, LogOptions.MinSegmentBytes);
        LogSegment[] gone = [.. Enumerable.Range(0, 3).Select(_ => files.Create(LogSegmentKind.Appended, 1, 0, 1_000, isRelief: false))];
        foreach (LogSegment segment in gone) files.Retire(segment);
        bool isSynced = false;
        bool? wasSynced = null;
        disk.Before = call =>
        {
            isSynced |= call.Operation == DiskOperation.SyncFolder;
            if (call.Operation == DiskOperation.Rename && call.Name.StartsWith("segments/spare-", StringComparison.Ordinal)) wasSynced ??= isSynced;
        };
        files.Create(LogSegmentKind.Appended, 1, 0, 1_000, isRelief: false).Close();
        Assert.True(wasSynced, "a power cut could give a segment its old name back, with the head of another in it");
        Assert.Empty(files.Left);
    }

    [Fact]
    public void A_log_that_has_grown_recycles_its_large_files_however_many_small_ones_it_has()
    {
        const int large = 1 << 20;
        var disk = new SimulatedDisk();
        LogSegmentFiles files = FilesOn(disk, large);
        LogSegment[] small = [.. Enumerable.Range(0, 20).Select(_ => files.Create(LogSegmentKind.Compacted, 1, 0, 50_000, isRelief: true))];
        foreach (LogSegment segment in small) files.Retire(segment, isPublished: false);
        files.SyncNames();
        for (int i = 0; i < 3; i++) RollOver();
        int created = disk.CountOf(DiskOperation.Create);
        for (int i = 0; i < 5; i++) RollOver();
        Assert.True(created == disk.CountOf(DiskOperation.Create), "segments are written to new files, at half the speed, while those that are let go are removed");

        void RollOver()
        {
            LogSegment segment = files.Create(LogSegmentKind.Appended, 1, 0, 50_000, isRelief: false);
            Assert.Equal((uint)large, segment.Capacity);
            files.Retire(segment);
            files.SyncNames();
        }
    }

    [Fact]
    public async Task A_segment_with_a_slow_reader_is_not_recycled_and_its_bytes_stay()
    {
        await using LogEngine log = Open(new SystemDisk(_folder.Path), DiskDurability.OperatingSystem);
        await log.PutAsync("slow", "what the reader holds");
        Assert.True(log.TryRead(Key("slow"), out LogEntry held));
        using (held)
        {
            uint first = held.Location.Segment;
            await log.PutAsync("slow", "what came later");
            for (int i = 0; i < 8; i++) await log.FillAsync("garbage", isGarbage: true);
            await Eventually.HoldsAsync(() => log.GetStatistics().UnlinkedSegments == 1, "a segment without anything that counts stays in the log");
            Assert.DoesNotContain(log.Segments, s => s.Incarnation == first);

            // Files are recycled meanwhile, and written.
            for (int i = 0; i < 8; i++) await log.FillAsync("more", isGarbage: true);
            Assert.Equal("what the reader holds", Encoding.UTF8.GetString(held.Value.Span));
            Assert.Equal("what came later", log.Get("slow"));
            Assert.Equal(1, log.GetStatistics().UnlinkedSegments);
        }

        Assert.Equal(0, log.GetStatistics().UnlinkedSegments);
    }

    [Fact]
    public async Task A_reader_that_comes_too_late_for_a_segment_looks_again_and_finds_the_entry_where_it_is_now()
    {
        await using LogEngine log = Open(new SystemDisk(_folder.Path), DiskDurability.OperatingSystem);
        await log.PutAsync("moved", "value");
        Assert.True(log.TryLocate(Key("moved"), out LogLocation before));
        await log.FillAsync("garbage", isGarbage: true);
        await log.FillAsync("garbage", isGarbage: true);
        await Eventually.HoldsAsync(() => log.TryLocate(Key("moved"), out LogLocation now) && !now.IsSamePlaceAs(before), "a segment that is nearly all garbage is not compacted");
        Assert.False(log.TryReadAt(Key("moved"), before, out _), "a place in a segment that is gone must not be read");
        Assert.Equal("value", log.Get("moved"));
    }

    private static LogSegmentFiles FilesOn(SimulatedDisk disk, int segmentBytes)
    {
        disk.CreateFolder(LogSegmentFiles.Folder);
        return new LogSegmentFiles(disk, Options with { SegmentBytes = segmentBytes }, NullLogger.Instance) { LiveBytes = () => 64 << 20 };
    }

    private static bool Contains(byte[] bytes, string text) => bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;
}
