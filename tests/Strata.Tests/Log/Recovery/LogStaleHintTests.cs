using System.Text;
using Xunit;

namespace Strata.Tests.Log;

/// <summary>A hint that is left without its segment says nothing of a later segment with the same name.</summary>
public sealed class LogStaleHintTests
{
    private static readonly LogOptions Options = new() { Name = "test", SegmentBytes = LogOptions.MinSegmentBytes };

    /// <summary>
    /// Compaction puts a segment's hint on the medium before the segment has its name. A crash between the two leaves the
    /// hint alone, and its incarnation is free again once the unfinished segment is removed. Were the hint taken for the
    /// next segment of that name, everything acknowledged in that segment would be lost at the next crash.
    /// </summary>
    [Fact]
    public async Task A_hint_without_its_segment_is_gone_before_its_name_is_given_again()
    {
        var disk = new SimulatedDisk();
        await using (LogEngine log = LogEngine.Open(Options, disk)) await Put(log, "a");
        uint next = 1 + disk.Names.Where(n => n.EndsWith(".seg", StringComparison.Ordinal) && !n.Contains("spare", StringComparison.Ordinal)).Max(n => Convert.ToUInt32(Path.GetFileNameWithoutExtension(n), 16));
        using (var hint = new LogHintBuilder(SegmentImage.HeadIn(disk, next - 1) with { Incarnation = next, Kind = LogSegmentKind.Compacted }))
        {
            hint.Add("stale"u8, new LogEntryHeader(0, LogEntryFlags.None, 5, 1, 10, 0, 0), LogSegmentHeader.FramesAt + LogFrameHeader.Bytes);
            hint.WriteTo(disk, LogSegmentHeader.FramesAt + 1_024);
        }

        await using LogEngine killed = LogEngine.Open(Options, disk);
        await Put(killed, "b");
        Assert.True(killed.TryLocate("b"u8, out LogLocation location));
        Assert.NotEqual(next, location.Segment);
        await using LogEngine again = LogEngine.Open(Options, disk.Kill());
        Assert.True(again.TryLocate("a"u8, out _) && again.TryLocate("b"u8, out _), "What was acknowledged is gone.");
        Assert.False(again.TryLocate("stale"u8, out _));
    }

    private static async Task Put(LogEngine log, string key)
    {
        using var batch = new LogBatch();
        batch.Put(Encoding.UTF8.GetBytes(key), "value"u8);
        Assert.True((await log.CommitAsync(batch)).IsApplied);
    }
}
