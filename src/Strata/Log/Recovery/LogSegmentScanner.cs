using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>
/// Reads a segment's frames in order and trusts nothing of them: an entry is given out only once its whole frame has been
/// found right. Tells where the frames end, how, and whether something is lost there that was durable.
/// </summary>
/// <remarks>
/// <para>Scan the newest segment first: what it says of voids, and what proves to have been durable before it, is needed
/// for the ones before.</para>
/// <para><b>Damage or cut:</b> behind the first frame that is not right the rest of the segment is searched for frames that
/// are. If one of them, or the caller, states that a higher LSN was durable than the last one that was read, something
/// durable is damaged; else it is the tail of what a crash interrupted. A last frame that is damaged cannot be told from one
/// that was interrupted. A compacted segment gets its name when all of it is durable: without its seal it is damaged.</para>
/// <para><b>Cost:</b> one pass over the file in reads of 1 MiB; memory 1 MiB, no allocation for a frame or an entry.</para>
/// </remarks>
internal sealed partial class LogSegmentScanner : IDisposable
{
    private const int ChunkBytes = 1 << 20;
    private const LogEntryFlags KnownFlags = LogEntryFlags.Tombstone | LogEntryFlags.Expires | LogEntryFlags.Reference;
    private readonly ILogFile _file;
    private readonly LogSegmentHeader _header;
    private readonly LogSeed _seed;
    private readonly LogFileWindow _window;
    private readonly ulong _needed;
    private readonly LogVoid? _cut;
    private readonly long _end;
    private long _at = LogSegmentHeader.FramesAt;
    private long _nextEntry;
    private int _entriesLeft;
    private ulong _expected;
    private ulong _last;
    private ulong _durable;
    private LogVoid? _void;
    private bool _isOver;

    /// <summary>Begins a scan.</summary>
    /// <param name="file">The segment. It stays open.</param>
    /// <param name="header">Its head, read and found right.</param>
    /// <param name="durable">The highest of this segment's LSNs that is known, from later segments, to have been durable; 0 if none is.</param>
    /// <param name="cut">What a later segment says of this one's end.</param>
    public LogSegmentScanner(ILogFile file, in LogSegmentHeader header, ulong durable = 0, LogVoid? cut = null)
    {
        _file = file;
        _header = header;
        _seed = header.Seed;
        _cut = cut;

        // What was voided was never durable to anybody; all before it was.
        _needed = cut is { } voided ? voided.FirstSequence - 1 : durable;
        _end = Math.Min(Math.Min(file.Length, header.Capacity), cut?.End ?? uint.MaxValue);
        _expected = IsCompacted ? 1 : header.First;
        _last = IsCompacted || header.First == 0 ? 0 : header.First - 1;
        _durable = header.Durable;
        _window = new LogFileWindow(file, _end, ChunkBytes);
        if (header.First == 0 || header.Kind is not (LogSegmentKind.Appended or LogSegmentKind.Compacted)) End(LogScanEnd.Torn, "its head states what cannot be", 0, "its head states what cannot be");
        else if (cut is { } where && (where.Incarnation != header.Incarnation || where.End < LogSegmentHeader.FramesAt || where.End > header.Capacity)) End(LogScanEnd.Torn, "its end is not in it", 0, $"a later segment says that it ends at {where.End}, which is not in it");
    }

    /// <summary>The frame that was read last.</summary>
    public LogFrameHeader Frame { get; private set; }

    /// <summary>Where it begins.</summary>
    public uint FrameAt { get; private set; }

    /// <summary>The entry that was read last.</summary>
    public LogEntryHeader Entry { get; private set; }

    /// <summary>Where it begins.</summary>
    public uint EntryAt { get; private set; }

    public LogLocation Location => new(_header.Incarnation, EntryAt, (uint)Entry.Length / LogEntryHeader.Alignment, Entry.Flags);

    /// <summary>The key of the entry that was read last; valid until the next call.</summary>
    public ReadOnlySpan<byte> Key => _window.Read(EntryAt + LogEntryHeader.Bytes, Entry.KeyLength);

    /// <summary>The entry that was read last, all of it; valid until the next call.</summary>
    public ReadOnlySpan<byte> EntryBytes => _window.Read(EntryAt, Entry.Length);

    /// <summary>What was found, once <see cref="MoveNextFrame"/> has said that there is no more.</summary>
    public LogScanResult Result { get; private set; }

    private bool IsCompacted => _header.Kind == LogSegmentKind.Compacted;

    /// <summary>Reads the next frame and finds it right, its entries included. False: there is none.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool MoveNextFrame()
    {
        _entriesLeft = 0;
        if (_isOver) return false;
        if (Frame.Kind == LogFrameKind.Seal) return End(LogScanEnd.Sealed, null, 0, null);
        if (_cut is { } cut && _at == cut.End) return End(LogScanEnd.Voided, null, 0, _last == _needed ? null : $"a later segment says that it ends behind LSN {_needed}; what is there ends with LSN {_last}");
        if (Check(_window, _at, _expected, out LogFrameHeader frame) is { } wrong) return Stop(wrong);
        (Frame, FrameAt) = (frame, (uint)_at);
        _nextEntry = _at + LogFrameHeader.Bytes;
        _entriesLeft = frame.Count;
        if (frame.Kind == LogFrameKind.Void) _void = LogVoid.Read(_window.Read(_nextEntry, LogVoid.Bytes));
        if (!IsCompacted) NoteSequence(frame);
        _at += frame.Length;
        _expected++;
        return true;
    }

    /// <summary>Goes to the next entry of the frame. False: it has no more.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool MoveNextEntry()
    {
        if (_entriesLeft == 0) return false;

        // It was found right just now; should the file give something else the second time, the medium fails.
        if (!LogEntryHeader.TryRead(_window.Read(_nextEntry, LogEntryHeader.Bytes), (int)(_at - _nextEntry), out LogEntryHeader entry))
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"The segment {_header.Incarnation:x8} changes while it is read, at offset {_nextEntry}."));
        (Entry, EntryAt) = (entry, (uint)_nextEntry);
        _nextEntry += entry.Length;
        _entriesLeft--;
        if (IsCompacted) _last = Math.Max(_last, entry.Sequence);
        return true;
    }

    /// <summary>Reads all that is left and adds its entries to a hint.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public LogScanResult ReadTo(LogHintBuilder hint)
    {
        while (MoveNextFrame())
        {
            while (MoveNextEntry()) hint.Add(Key, Entry, EntryAt);
        }

        hint.Include(Result);
        return Result;
    }

    public void Dispose()
    {
        _window.Dispose();
        _tail?.Dispose();
    }

    private void NoteSequence(in LogFrameHeader frame)
    {
        // No frame can vouch for itself.
        _durable = Math.Max(_durable, Math.Min(frame.Durable, frame.Sequence - 1));
        if (frame.Kind != LogFrameKind.Seal) _last = frame.Sequence;
    }

    private bool End(LogScanEnd end, string? why, uint cutBytes, string? damage)
    {
        _isOver = true;
        Result = new LogScanResult(end, (uint)_at, _last, _durable, _void, why, cutBytes, damage);
        return false;
    }

    /// <summary>Looks at a frame through a window.</summary>
    /// <returns>What is wrong with it, or null.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private string? Check(LogFileWindow window, long at, ulong sequence, out LogFrameHeader frame)
    {
        frame = default;
        Span<byte> head = stackalloc byte[LogFrameHeader.Bytes];
        ReadOnlySpan<byte> bytes = window.Read(at, LogFrameHeader.Bytes);
        if (bytes.Length < head.Length) return "the segment has no room for more";
        bytes.CopyTo(head);
        if (!LogFrameHeader.TryRead(head, out frame)) return "there is no head of a frame";
        if (frame.Sequence != sequence) return string.Create(CultureInfo.InvariantCulture, $"there is no frame of LSN {sequence}");
        return Check(window, at, frame, head);
    }

    /// <summary>Looks at a frame whose head makes sense.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private string? Check(LogFileWindow window, long at, in LogFrameHeader frame, ReadOnlySpan<byte> head)
    {
        const string wrongSum = "the frame does not match its checksum";
        if (frame.Length > _end - at) return "the frame is longer than the segment";
        if (frame.Kind == LogFrameKind.Batch)
        {
            // All of it at once, so that its entries need not be read again.
            if (frame.Length <= ChunkBytes && ReferenceEquals(window, _window)) window.Read(at, frame.Length);
            return CheckEntries(window, at, frame, head);
        }

        if (frame.Kind == LogFrameKind.Void && IsCompacted) return "a compacted segment has no voids";
        int covered = frame.Kind == LogFrameKind.Void ? LogVoid.Bytes : 0;
        if (frame.Count != 0 || frame.Length != LogFrameHeader.Bytes + covered) return "the frame's length is not that of its kind";
        ReadOnlySpan<byte> body = window.Read(at + LogFrameHeader.Bytes, covered);
        return body.Length < covered || LogFrameHeader.Sum(head, body, _seed) != frame.Checksum ? wrongSum : null;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private string? CheckEntries(LogFileWindow window, long at, in LogFrameHeader frame, ReadOnlySpan<byte> head)
    {
        var sum = default(Crc32C);
        sum.Append(head[4..]);
        long next = at + LogFrameHeader.Bytes, end = at + frame.Length;
        Span<byte> checksum = stackalloc byte[4];
        for (int i = 0; i < frame.Count; i++)
        {
            if (CheckEntry(window, next, (int)(end - next), IsCompacted ? 0 : frame.Sequence, out LogEntryHeader entry) is { } wrong) return $"the frame has an entry that is wrong: {wrong}";
            BinaryPrimitives.WriteUInt32LittleEndian(checksum, entry.Checksum);
            sum.Append(checksum);
            next += entry.Length;
        }

        if (next != end) return "the frame's entries do not fill it";
        return (sum.Value ^ _seed.At(frame.Sequence)) == frame.Checksum ? null : "the frame does not match its checksum";
    }

    /// <summary>Looks at an entry; with sequence 0 it may have any.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private string? CheckEntry(LogFileWindow window, long at, int room, ulong sequence, out LogEntryHeader entry)
    {
        entry = default;
        if (room < LogEntryHeader.Bytes || !LogEntryHeader.TryRead(window.Read(at, LogEntryHeader.Bytes), room, out entry)) return "there is no head of an entry";
        if ((entry.Flags & ~KnownFlags) != LogEntryFlags.None) return "its flags are not known";
        if (sequence == 0 ? entry.Sequence == 0 : entry.Sequence != sequence) return "its LSN is not that of its frame";
        _work -= 1 + (entry.Length >> 8);
        return IsIntact(window, at, entry) ? null : "it does not match its checksum";
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool IsIntact(LogFileWindow window, long at, in LogEntryHeader entry)
    {
        if (entry.Length <= ChunkBytes)
        {
            ReadOnlySpan<byte> whole = window.Read(at, entry.Length);
            return whole.Length == entry.Length && entry.IsIntact(whole, _seed);
        }

        var sum = default(Crc32C);
        sum.Append(window.Read(at + 4, 4));
        long next = at + 16, end = at + entry.Length;
        while (next < end)
        {
            ReadOnlySpan<byte> piece = window.Read(next, (int)Math.Min(ChunkBytes, end - next));
            if (piece.IsEmpty) return false;
            sum.Append(piece);
            next += piece.Length;
        }

        return (sum.Value ^ _seed.At(entry.Sequence)) == entry.Checksum;
    }
}
