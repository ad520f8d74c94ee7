using System.Buffers.Binary;

namespace Strata;

/// <summary>
/// Goes through what a log holds in the order in which it was written, segment by segment, as an eviction does. One caller
/// at a time; the log may change meanwhile.
/// </summary>
/// <remarks>
/// What compaction has moved keeps its place in that order, roughly: its segment counts by the newest entry in it. Nothing
/// is verified here: an entry counts if the index says that it is where it was found. Where a segment is damaged its frames
/// say no more what follows; then the index is asked for all that lies there, in the order of the keys.
/// </remarks>
internal sealed class LogAgeWalk(LogEngine log)
{
    private const int WindowBytes = 64 << 10, ScannedAtOnce = 256;
    private readonly LogScanBuffer _scanned = new();
    private uint _segment;
    private ulong _passed;
    private long _at;
    private long _frameEnd;

    /// <summary>Where in the index to go on behind damage; null while the frames can be followed.</summary>
    private byte[]? _rest;

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

    /// <summary>Whether an entry that was gathered has not been written again since: it is where it was, or compaction has moved it.</summary>
    public bool IsStill(LogLocation gathered, LogLocation current) =>
        current.IsSamePlaceAs(gathered) || log.Segments.Any(s => s.Incarnation == current.Segment && s.Kind == LogSegmentKind.Compacted);

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
            _rest = null;
            return segment;
        }

        return null;
    }

    /// <returns>True: this segment has no more.</returns>
    private bool Gather(LogSegment segment, LogKeyspace space, int limit, LogScanBuffer into)
    {
        if (_rest is null && !GatherFrames(segment, space, limit, into)) return false;
        return _rest is null || GatherRest(segment, space, limit, into);
    }

    /// <returns>True: the frames can be followed no further; to their end, unless there is a rest.</returns>
    private bool GatherFrames(LogSegment segment, LogKeyspace space, int limit, LogScanBuffer into)
    {
        long end = segment.End;
        using var window = new LogFileWindow(segment.File, end, WindowBytes);
        while (into.Count < limit)
        {
            if (_at == _frameEnd)
            {
                if (_at >= end) return true;
                if (!LogFrameHeader.TryRead(window.Read(_at, LogFrameHeader.Bytes), out LogFrameHeader frame) || _at + frame.Length > end) return LeaveFrames(segment, space);
                _frameEnd = _at + frame.Length;
                _at = frame.Kind == LogFrameKind.Batch ? _at + LogFrameHeader.Bytes : _frameEnd;
                continue;
            }

            ReadOnlySpan<byte> head = window.Read(_at, LogEntryHeader.Bytes);
            if (head.Length < LogEntryHeader.Bytes) return LeaveFrames(segment, space);
            int keyLength = BinaryPrimitives.ReadUInt16LittleEndian(head[6..]), valueLength = BinaryPrimitives.ReadInt32LittleEndian(head[16..]);
            if (keyLength is 0 or > LogEntryHeader.MaxKeyBytes || valueLength < 0 || valueLength > _frameEnd - _at) return LeaveFrames(segment, space);
            long next = _at + LogEntryHeader.LengthOf(keyLength, valueLength);
            ReadOnlySpan<byte> key = window.Read(_at + LogEntryHeader.Bytes, keyLength);
            if (next > _frameEnd || key.Length < keyLength) return LeaveFrames(segment, space);
            if (key[0] == (byte)space && log.TryLocate(key, out LogLocation location) && location.Segment == segment.Incarnation && location.Offset == _at) key.CopyTo(into.Append(keyLength, location));
            _at = next;
        }

        return false;
    }

    /// <summary>What does not fit together is damaged; whoever reads it is told, and verify says where. But what is behind it must not stay for ever.</summary>
    private bool LeaveFrames(LogSegment segment, LogKeyspace space)
    {
        if (segment.LiveBytes > 0) _rest = [(byte)space];
        return true;
    }

    /// <returns>True: this segment has no more.</returns>
    private bool GatherRest(LogSegment segment, LogKeyspace space, int limit, LogScanBuffer into)
    {
        byte[] end = [(byte)(space + 1)];
        while (true)
        {
            int count = log.Scan(new LogScan(_rest!, end, ScannedAtOnce), _scanned);
            for (int i = 0; i < count; i++)
            {
                LogLocation location = _scanned.Location(i);
                if (location.Segment != segment.Incarnation || location.Offset < _at) continue;
                ReadOnlySpan<byte> key = _scanned.Key(i);
                if (into.Count == limit)
                {
                    _rest = key.ToArray();
                    return false;
                }

                key.CopyTo(into.Append(key.Length, location));
            }

            if (count < ScannedAtOnce) break;
            _rest = [.. _scanned.Key(count - 1), 0];
        }

        _rest = null;
        return true;
    }
}
