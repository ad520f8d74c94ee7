using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Strata;

/// <content>What is in a segment whose head is lost.</content>
internal sealed partial class LogSegmentScanner
{
    private const int LeastEntryBytes = LogEntryHeader.Bytes + Step;

    /// <summary>Looks through a segment whose head cannot be read for anything that was written in this use of the file.</summary>
    /// <param name="file">The segment. It stays open.</param>
    /// <param name="identity">The log's. None: no file tells it any more; then the first frame counts that hangs together, whatever log it is of.</param>
    /// <param name="incarnation">The segment's.</param>
    /// <param name="header">What its head must have said, so far as what was found tells.</param>
    /// <returns>False: it holds nothing. True also where more looks like frames than can be looked at.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static bool TryFindHead(ILogFile file, ulong identity, uint incarnation, out LogSegmentHeader header)
    {
        header = new LogSegmentHeader(identity, incarnation, LogSegmentKind.Appended, 1, 0, (uint)Math.Min(file.Length, uint.MaxValue));
        ulong entry = 0;
        using var window = new LogFileWindow(file, header.Capacity, ChunkBytes);
        using LogSegmentScanner appended = Headless(file, header), compacted = Headless(file, header with { Kind = LogSegmentKind.Compacted });
        Span<byte> head = stackalloc byte[LogFrameHeader.Bytes];
        for (long at = LogSegmentHeader.FramesAt; header.Capacity - at >= head.Length; at += Step)
        {
            ReadOnlySpan<byte> bytes = window.Read(at, head.Length);
            if (bytes.Length < head.Length) break;
            bool isFrame = appended.MayBeFrame(bytes, at, out LogFrameHeader frame);
            if (!isFrame && (identity == LogIdentity.None || entry != 0 || !appended.MayBeEntry(bytes, at))) continue;
            bytes.CopyTo(head);
            if (isFrame && identity == LogIdentity.None && appended.IdentityIn(at, frame, head) is not LogIdentity.None and var found) return TryFindHead(file, found, incarnation, out header);
            if (isFrame && (appended.IsWhole(at, frame, head) || compacted.IsWhole(at, frame, head)))
            {
                bool isAppended = appended.IsWhole(at, frame, head);
                ulong first = at == LogSegmentHeader.FramesAt ? frame.Sequence : entry != 0 ? entry : Math.Max(1, frame.Sequence - 1);
                header = isAppended ? header with { First = first } : header with { Kind = LogSegmentKind.Compacted };
                return true;
            }

            if (entry == 0 && identity != LogIdentity.None && appended.CheckEntry(appended._tail!, at, (int)(header.Capacity - at), 0, out LogEntryHeader whole) is null) entry = whole.Sequence;
            if (appended.IsTooMuch || compacted.IsTooMuch) return true;
        }

        header = header with { First = Math.Max(1, entry) };
        return entry != 0;
    }

    private static LogSegmentScanner Headless(ILogFile file, in LogSegmentHeader header)
    {
        var scanner = new LogSegmentScanner(file, header);
        scanner._tail = new LogFileWindow(file, scanner._end, TailChunkBytes);
        scanner._work = DefaultMostWork;
        return scanner;
    }

    /// <summary>Whether it is worth to look at what may be a frame: zeros and most of what values hold are not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MayBeFrame(ReadOnlySpan<byte> bytes, long at, out LogFrameHeader frame) =>
        LogFrameHeader.TryRead(bytes, out frame) && frame.Sequence != 0 && frame.Length <= _end - at && frame.Count <= frame.Length / LeastEntryBytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MayBeEntry(ReadOnlySpan<byte> bytes, long at) =>
        bytes[5] == 0 && bytes[6] != 0 && LogEntryHeader.TryRead(bytes, (int)(_end - at), out LogEntryHeader entry) && entry.Sequence != 0;

    private bool IsWhole(long at, in LogFrameHeader frame, ReadOnlySpan<byte> head)
    {
        _work--;
        return Check(_tail!, at, frame, head) is null;
    }

    /// <summary>An identity under which a frame and all its entries match their checksums, or none. No value hangs together like that by accident.</summary>
    private ulong IdentityIn(long at, in LogFrameHeader frame, ReadOnlySpan<byte> head)
    {
        if (frame.Kind != LogFrameKind.Batch || frame.Count == 0) return LogIdentity.None;
        var sum = default(Crc32C);
        sum.Append(head[4..]);
        long next = at + LogFrameHeader.Bytes, end = at + frame.Length;
        for (int i = 0; i < frame.Count; i++)
        {
            _work--;
            ReadOnlySpan<byte> entry = _tail!.Read(next, LogEntryHeader.Bytes);
            if (!LogEntryHeader.TryRead(entry, (int)(end - next), out LogEntryHeader header)) return LogIdentity.None;
            sum.Append(entry[..4]);
            next += header.Length;
        }

        if (next != end) return LogIdentity.None;
        uint seed = sum.Value ^ frame.Checksum;
        ulong identity = LogSeed.IdentityBehind(seed, _header.Incarnation, frame.Sequence);
        foreach (LogSegmentKind kind in (ReadOnlySpan<LogSegmentKind>)[LogSegmentKind.Appended, LogSegmentKind.Compacted])
        {
            using LogSegmentScanner scanner = Headless(_file, _header with { Identity = identity, Kind = kind });
            scanner._work = _work;
            bool isWhole = scanner.IsWhole(at, frame, head);
            _work = scanner._work;
            if (isWhole) return identity;
        }

        return LogIdentity.None;
    }
}
