using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>How what still counts moves from old segments to a new one.</content>
internal sealed partial class LogCompactor
{
    private const int FrameBytes = 1 << 20, LatchedMoves = 256;

    /// <summary>
    /// Writes the hints that are missing, oldest first: a void counts for segments older than its own. What goes next, as
    /// nothing in it counts, gets none. Their names are on the medium with the next segment's: a flush of the folder for each
    /// would keep those waiting who write.
    /// </summary>
    public void WriteHints()
    {
        foreach (LogSegment segment in log.Segments.Where(s => s.IsSettled && !s.HasHint && !s.IsDamaged && (s.LiveBytes > 0 || IsVoidNeeded(s))).OrderBy(s => s.Incarnation))
        {
            using var hint = new LogHintBuilder(segment.Header);
            using LogSegmentScanner scanner = Scanner(segment);
            if (IsDamaged(segment, scanner.ReadTo(hint))) continue;
            TryEnd(segment);
            hint.WriteTo(log.Disk, segment.End, isNameSynced: false);
            segment.HasHint = true;
        }
    }

    /// <summary>Moves what counts of some segments to a new one, and lets them go.</summary>
    /// <param name="victims">The segments.</param>
    /// <param name="isRoomWanted">False: what goes without anything being moved may go durably with the next new segment.</param>
    /// <returns>Bytes moved.</returns>
    private long Compact(List<LogSegment> victims, bool isRoomWanted = true)
    {
        long live = victims.Sum(v => v.LiveBytes);
        if (live == 0)
        {
            // What replaced their entries must be on the medium before they go.
            log.Appender.Sync();
            Retire(victims);
            if (isRoomWanted || victims.Exists(v => v.Cut is not null)) files.SyncNames();
            return 0;
        }

        // What is deleted from here on may still be moved: up to here the new segment holds nothing that was superseded. Of
        // what is durable and not visible yet the index does not know.
        ulong cleanAsOf = Math.Min(log.Appender.Durable, log.Visible);
        LogSegment target = files.Create(LogSegmentKind.Compacted, 1, cleanAsOf, live + (2 * LogFrameHeader.Bytes * ((2 * live / FrameBytes) + 2)), isRelief: true, victims);
        target.CleanAsOf = cleanAsOf;
        bool isPublished = false;
        using var hint = new LogHintBuilder(target.Header);
        using var frames = new LogFrameWriter(target);
        var moves = new List<Move>();
        try
        {
            ulong cleanElsewhere = CleanElsewhere(victims);
            foreach (LogSegment victim in victims.Where(v => v.LiveBytes > 0))
            {
                using LogSegmentScanner scanner = Scanner(victim);
                while (scanner.MoveNextFrame())
                {
                    while (scanner.MoveNextEntry()) Consider(scanner, cleanElsewhere, frames, hint, moves);
                }

                // Damaged: what can be read of it stays where it is, for verify and repair.
                if (IsDamaged(victim, scanner.Result)) return 0;
            }

            // Without an entry, too: it says which segments are gone, and they go one by one.
            frames.Finish();
            WriteHint(hint, target.End);

            // From its publication on the victims do not count: what superseded the rest of them must be on the medium before.
            log.Appender.Sync();
            files.Publish(target);
            target.IsSealed = target.HasHint = isPublished = true;
        }
        finally
        {
            if (!isPublished) Discard(target);
        }

        log.Enter(target);
        Apply(CollectionsMarshal.AsSpan(moves), frames.Keys, target);
        target.IsSettled = true;
        Retire(victims);

        // Before the target can go: only it says that they do not count.
        files.SyncNames();
        Interlocked.Add(ref _compactedBytes, frames.Bytes);
        return live;
    }

    /// <summary>On a disk without any room a spare gives way to the hint: the segments that go soon take its place. Its name is on the medium with the segment's.</summary>
    private void WriteHint(LogHintBuilder hint, uint end)
    {
        try
        {
            hint.WriteTo(log.Disk, end, isNameSynced: false);
        }
        catch (IOException e) when (DiskErrors.IsFull(e) && files.GiveUpSpare())
        {
            hint.WriteTo(log.Disk, end, isNameSynced: false);
        }
    }

    private void Consider(LogSegmentScanner scanner, ulong cleanElsewhere, LogFrameWriter frames, LogHintBuilder hint, List<Move> moves)
    {
        LogLocation from = scanner.Location;
        LogEntryHeader header = scanner.Entry;
        if (!log.Index.TryGet(scanner.Key, out LogLocation current) || !current.IsSamePlaceAs(from)) return;
        bool isNeedless = (header.Flags & LogEntryFlags.Tombstone) != LogEntryFlags.None && header.Expires <= log.Now && header.Sequence <= cleanElsewhere;
        LogLocation to = default;
        if (!isNeedless)
        {
            to = frames.Add(scanner.EntryBytes, header);
            hint.Add(scanner.Key, header, to.Offset);
        }

        moves.Add(new Move(frames.Keys.Add(scanner.Key), header.KeyLength, from, to));
    }

    private static LogSegmentScanner Scanner(LogSegment segment) => new(segment.File, segment.Header, 0, segment.Cut);

    private bool IsDamaged(LogSegment segment, in LogScanResult result)
    {
        bool isWhole = result.End is LogScanEnd.Sealed or LogScanEnd.Voided && result.Offset == segment.End;
        if (isWhole) return false;
        segment.IsDamaged = true;
        _log.LogError("The segment {Segment} of store '{Store}' is damaged at offset {Offset} ({Why}); it is left as it is", LogSegmentFiles.NameOf(segment.Incarnation), options.Name, result.Offset, result.Why ?? "it ends too early");
        return true;
    }

    /// <summary>Up to this LSN no other segment holds an entry that was superseded: a tombstone as old as that has nothing left to hide.</summary>
    private ulong CleanElsewhere(List<LogSegment> victims)
    {
        ulong clean = ulong.MaxValue;
        foreach (LogSegment segment in log.Segments)
        {
            if (!victims.Contains(segment)) clean = Math.Min(clean, segment.CleanAsOf);
        }

        foreach (LogSegment left in files.Left) clean = Math.Min(clean, left.CleanAsOf);
        return clean;
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

    private void Retire(List<LogSegment> victims)
    {
        foreach (LogSegment victim in victims)
        {
            log.Leave(victim);
            files.Retire(victim);
        }

        Interlocked.Increment(ref _compactions);
        Interlocked.Increment(ref _roomsMade);
    }

    private void Discard(LogSegment target)
    {
        try
        {
            files.Retire(target, isPublished: false);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            _log.LogWarning(e, "Cannot remove an unfinished segment of the log '{Store}'; it is tried again", options.Name);
        }
    }

    /// <summary>An entry that moved, or, without a target, a tombstone that nothing needs.</summary>
    internal readonly record struct Move(int KeyAt, int KeyLength, LogLocation From, LogLocation To);
}
