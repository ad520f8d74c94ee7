using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>
/// What becomes of a segment that a write failed in. It ends where a later segment's void says, and without that its end is
/// taken for damage, or what was refused counts again. So it gets its seal as soon as that can be written, and until it has
/// it, or is gone, the segment with the void stays.
/// </content>
internal sealed partial class LogCompactor
{
    /// <summary>Tries to end a segment in place, durably: the seal takes the place of the first bytes that do not count.</summary>
    private void TryEnd(LogSegment segment)
    {
        if (segment.Cut is not { } cut || segment.End + LogFrameHeader.Bytes > segment.Capacity) return;
        try
        {
            WriteSeal(segment.File, segment.Seed, segment.End, cut.FirstSequence);
            segment.End += LogFrameHeader.Bytes;
            segment.Cut = null;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            _log.LogWarning(e, "The segment {Segment} of store '{Store}', in which a write failed, cannot be ended now; the one that says where it ends is kept", LogSegmentFiles.NameOf(segment.Incarnation), options.Name);
        }
    }

    /// <summary>Writes a seal where a segment's frames end, and puts it on the medium.</summary>
    /// <param name="file">The segment.</param>
    /// <param name="seed">Its seed.</param>
    /// <param name="end">Where the frames end.</param>
    /// <param name="sequence">The LSN that follows theirs, all of which are durable.</param>
    internal static void WriteSeal(ILogFile file, LogSeed seed, uint end, ulong sequence)
    {
        Span<byte> frame = stackalloc byte[LogFrameHeader.Bytes];
        LogFrameHeader.Write(frame, frame.Length, sequence, sequence - 1, 0, LogFrameKind.Seal);
        LogFrameHeader.Seal(frame, default, seed);
        file.Write(end, frame);
        file.Sync();
    }

    /// <summary>Whether a segment says where another ends that has no end of its own.</summary>
    private bool IsVoidNeeded(LogSegment segment) =>
        segment.Void is { } cut && log.Segments.Concat(files.Left).Any(s => s.Incarnation == cut.Incarnation && s.Cut is not null);
}
