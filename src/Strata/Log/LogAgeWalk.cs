using System.Buffers.Binary;

namespace Strata;

/// <summary>
/// Goes through what a log holds in the order in which it was written, segment by segment, as an eviction does. One caller
/// at a time; the log may change meanwhile.
/// </summary>
/// <remarks>
/// What compaction has moved keeps its place in that order, roughly: its segment counts by the newest entry in it. Nothing
/// is verified here: an entry counts if the index says that it is where it was found.
/// </remarks>
internal sealed class LogAgeWalk(LogEngine log)
{
    private const int WindowBytes = 64 << 10;
    private uint _segment;
    private ulong _passed;
    private long _at;
    private long _frameEnd;

    /// <summary>Gathers the next entries of a keyspace that are their keys' latest, tombstones among them.</summary>
    /// <param name="space">The keyspace.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="into">Gets them; what it had is gone.</param>
    /// <returns>False: the end of the log was reached, and the next call begins with the oldest entry again.</returns>
    public bool TryGather(LogKeyspace space, int limit, LogScanBuffer into)
    {
        into.Clear();
        while (into.Count < limit)
        {
            if (Current() is not { } segment)
            {
                (_segment, _passed) = (0, 0);
                return false;
            }

            try
            {
                bool isActive = ReferenceEquals(segment, log.Appender.Active);
                if (!Gather(segment, space, limit, into)) continue;
                _segment = 0;
                _passed = isActive ? ulong.MaxValue : segment.LastSequence;
            }
            finally
            {
                segment.Release();
            }
        }

        return true;
    }

    /// <summary>The segment that the walk is in, else the one that follows, kept as it is; null at the end.</summary>
    private LogSegment? Current()
    {
        foreach (LogSegment segment in log.Segments)
        {
            if (segment.Incarnation == _segment && segment.TryAcquire()) return segment;
        }

        foreach (LogSegment segment in log.Segments.Where(s => s.LastSequence > _passed).OrderBy(s => s.LastSequence))
        {
            if (!segment.TryAcquire()) continue;
            _segment = segment.Incarnation;
            _at = _frameEnd = LogSegmentHeader.FramesAt;
            return segment;
        }

        return null;
    }

    /// <returns>True: this segment has no more.</returns>
    private bool Gather(LogSegment segment, LogKeyspace space, int limit, LogScanBuffer into)
    {
        long end = segment.End;
        using var window = new LogFileWindow(segment.File, end, WindowBytes);
        while (into.Count < limit)
        {
            if (_at == _frameEnd)
            {
                // What does not fit together is damaged; whoever reads it is told, and verify says where.
                if (!LogFrameHeader.TryRead(window.Read(_at, LogFrameHeader.Bytes), out LogFrameHeader frame) || _at + frame.Length > end) return true;
                _frameEnd = _at + frame.Length;
                _at = frame.Kind == LogFrameKind.Batch ? _at + LogFrameHeader.Bytes : _frameEnd;
                continue;
            }

            ReadOnlySpan<byte> head = window.Read(_at, LogEntryHeader.Bytes);
            if (head.Length < LogEntryHeader.Bytes) return true;
            int keyLength = BinaryPrimitives.ReadUInt16LittleEndian(head[6..]), valueLength = BinaryPrimitives.ReadInt32LittleEndian(head[16..]);
            if (keyLength is 0 or > LogEntryHeader.MaxKeyBytes || valueLength < 0 || valueLength > _frameEnd - _at) return true;
            long next = _at + LogEntryHeader.LengthOf(keyLength, valueLength);
            ReadOnlySpan<byte> key = window.Read(_at + LogEntryHeader.Bytes, keyLength);
            if (next > _frameEnd || key.Length < keyLength) return true;
            if (key[0] == (byte)space && log.TryLocate(key, out LogLocation location) && location.Segment == segment.Incarnation && location.Offset == _at) key.CopyTo(into.Append(keyLength, location));
            _at = next;
        }

        return false;
    }
}
