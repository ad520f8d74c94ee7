using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>How what still counts moves from old segments to a new one.</content>
internal sealed partial class LogCompactor
{
    private const int FrameBytes = 1 << 20, LatchedMoves = 256;

    /// <summary>Writes the hints that are missing, oldest first: a void counts for segments older than its own.</summary>
    public void WriteHints()
    {
        foreach (LogSegment segment in log.Segments.Where(s => s.IsSealed && !s.HasHint && !_damaged.Contains(s.Incarnation)).OrderBy(s => s.Incarnation))
        {
            using var hint = new LogHintBuilder(segment.Incarnation, segment.Kind);
            if (!TryScan(segment, (_, header, entry, offset) => hint.Add(entry.Slice(LogEntryHeader.Bytes, header.KeyLength), header, offset))) continue;
            hint.WriteTo(log.Disk, segment.End);
            segment.HasHint = true;
        }
    }

    /// <summary>Moves what counts of some segments to a new one, and lets them go.</summary>
    /// <returns>Bytes moved.</returns>
    private long Compact(List<LogSegment> victims)
    {
        long live = victims.Sum(v => v.LiveBytes);
        if (live == 0)
        {
            // What replaced their entries must be on the medium before they go.
            log.Appender.Sync();
            foreach (LogSegment victim in victims) Retire(victim);
            Interlocked.Increment(ref _compactions);
            return 0;
        }

        LogSegment target = files.Create(LogSegmentKind.Compacted, 1, log.Appender.Durable, live + (live / FrameBytes * 64) + FrameBytes, isRelief: true);
        bool isPublished = false;
        using var hint = new LogHintBuilder(target.Incarnation, target.Kind);
        using var frames = new LogFrameWriter(target, log.Appender.Durable);
        var moves = new List<Move>();
        try
        {
            ulong oldestElsewhere = OldestElsewhere(victims);
            foreach (LogSegment victim in victims)
            {
                if (!TryScan(victim, (_, header, entry, offset) => Consider(victim, header, entry, offset, oldestElsewhere, frames, hint, moves)))
                {
                    // Damaged: what can be read of it stays where it is, for verify and repair.
                    files.Retire(target, isPublished: false);
                    return 0;
                }
            }

            frames.Finish();
            if (frames.Entries > 0)
            {
                hint.WriteTo(log.Disk, target.End);
                files.Publish(target);
                target.HasHint = true;
            }

            isPublished = true;
        }
        finally
        {
            if (!isPublished) Discard(target);
        }

        log.Appender.Sync();
        if (frames.Entries > 0) log.Enter(target);
        else Discard(target);
        Apply(CollectionsMarshal.AsSpan(moves), frames.Keys, target);
        foreach (LogSegment victim in victims) Retire(victim);
        Interlocked.Increment(ref _compactions);
        Interlocked.Add(ref _compactedBytes, frames.Bytes);
        return live;
    }

    private void Consider(LogSegment victim, in LogEntryHeader header, ReadOnlySpan<byte> entry, uint offset, ulong oldestElsewhere, LogFrameWriter frames, LogHintBuilder hint, List<Move> moves)
    {
        ReadOnlySpan<byte> key = entry.Slice(LogEntryHeader.Bytes, header.KeyLength);
        var from = new LogLocation(victim.Incarnation, offset, (uint)entry.Length / LogEntryHeader.Alignment, header.Flags);
        if (!log.Index.TryGet(key, out LogLocation current) || !current.IsSamePlaceAs(from)) return;
        bool isNeedless = (header.Flags & LogEntryFlags.Tombstone) != 0 && header.Expires <= log.Now && header.Sequence < oldestElsewhere;
        LogLocation to = default;
        if (!isNeedless)
        {
            to = frames.Add(entry, header);
            hint.Add(key, header, to.Offset);
        }

        moves.Add(new Move(frames.Remember(key), key.Length, from, to));
    }

    /// <summary>The oldest LSN that any other segment may hold: a tombstone older than that has nothing left to hide.</summary>
    private ulong OldestElsewhere(List<LogSegment> victims)
    {
        ulong oldest = ulong.MaxValue;
        foreach (LogSegment segment in log.Segments)
        {
            if (victims.Contains(segment)) continue;
            oldest = Math.Min(oldest, segment.FirstSequence == 0 ? log.Appender.Durable : segment.FirstSequence);
        }

        return oldest;
    }

    /// <summary>Points the index to the new places, a few at a time, so that no commit waits long.</summary>
    private void Apply(ReadOnlySpan<Move> moves, LogKeyArena keys, LogSegment target)
    {
        while (!moves.IsEmpty)
        {
            ReadOnlySpan<Move> some = moves[..Math.Min(moves.Length, LatchedMoves)];
            moves = moves[some.Length..];
            log.Apply(some, keys, target);
        }
    }

    private void Retire(LogSegment victim)
    {
        log.Leave(victim);
        files.Retire(victim);
    }

    private void Discard(LogSegment target)
    {
        try
        {
            files.Retire(target, isPublished: false);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            _log.LogWarning(e, "Cannot remove an unfinished segment of the log '{Store}'; it is removed when the log is opened next", options.Name);
        }
    }

    /// <summary>An entry that moved, or, without a target, a tombstone that nothing needs.</summary>
    internal readonly record struct Move(int KeyAt, int KeyLength, LogLocation From, LogLocation To);
}
