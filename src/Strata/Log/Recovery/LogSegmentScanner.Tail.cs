using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Strata;

/// <content>What is behind the first frame that is not right.</content>
internal sealed partial class LogSegmentScanner
{
    private const int Step = LogEntryHeader.Alignment, TailChunkBytes = 16 << 10;

    /// <summary>Entries looked at and blocks of 256 bytes summed up, and bytes read, before a tail that is full of what looks like frames is given up: a few seconds.</summary>
    private const long DefaultMostWork = 1 << 26, MostTailBytes = 1L << 32;
    private LogFileWindow? _tail;
    private long _work = long.MaxValue;

    /// <summary>How much is looked at behind the end.</summary>
    internal long MostWork { get; init; } = DefaultMostWork;

    private bool IsTooMuch => _work <= 0 || _tail!.BytesRead > MostTailBytes;

    /// <summary>Ends the scan at something that is not right.</summary>
    private bool Stop(string why)
    {
        string here = string.Create(CultureInfo.InvariantCulture, $"at offset {_at}, where the frame of LSN {_expected} belongs, {why}");
        if (IsCompacted) return End(LogScanEnd.Torn, why, 0, $"{here}; a compacted segment is whole when it gets its name");
        Tail tail = LookBehind();
        LogScanEnd end = tail.IsTorn ? LogScanEnd.Torn : LogScanEnd.Empty;
        uint cut = tail.IsTorn ? (uint)(Math.Max(tail.Reach, _at) - _at) : 0;
        ulong durable = Math.Max(_needed, tail.Durable);
        if (durable > _last || (_cut is { } voided && _at < voided.End)) return End(LogScanEnd.Torn, why, cut, string.Create(CultureInfo.InvariantCulture, $"{here}, and all up to LSN {Math.Max(durable, _last)} was durable"));
        if (tail.IsGivenUp) return End(LogScanEnd.Torn, why, cut, $"{here}, and behind it is more that looks like frames than can be looked at");
        return End(end, why, cut, null);
    }

    private Tail LookBehind()
    {
        _tail ??= new LogFileWindow(_file, _end, TailChunkBytes);
        _work = MostWork;
        var tail = new Tail { Reach = _at, IsTorn = IsOfThisIncarnation(out long reach) };
        tail.Reach = Math.Max(tail.Reach, reach);
        long next = _at + Step;
        while (_end - next >= LogFrameHeader.Bytes && tail.Durable <= _last)
        {
            ReadOnlySpan<byte> bytes = _window.Read(next, (int)Math.Min(ChunkBytes, _end - next));
            if (bytes.Length < LogFrameHeader.Bytes) break;
            next = LookAt(MemoryMarshal.Cast<byte, ulong>(bytes), next, tail);
            if (IsTooMuch)
            {
                tail.IsGivenUp = true;
                break;
            }
        }

        return tail;
    }

    /// <summary>Looks for LSNs that come after the last one that was read. Frames and entries have theirs in the second word.</summary>
    /// <returns>Where to go on.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private long LookAt(ReadOnlySpan<ulong> words, long from, Tail tail)
    {
        // No frame is shorter than its head: that bounds how far the LSNs of these words can be above the expected one.
        ulong most = (ulong)(from + (words.Length * (long)Step) - _at) / LogFrameHeader.Bytes;
        for (int i = 1; i < words.Length; i++)
        {
            ulong sequence = BitConverter.IsLittleEndian ? words[i] : BinaryPrimitives.ReverseEndianness(words[i]);
            if (sequence - _expected > most) continue;
            long at = from + ((i - 1) * (long)Step);
            if (sequence - _expected > (ulong)(at - _at) / LogFrameHeader.Bytes) continue;
            if (LookAt(at, sequence, tail) is var length and > 0) return at + length;
            if (IsTooMuch) break;
        }

        // The last word may be the first of a frame.
        return from + ((words.Length - 1) * (long)Step);
    }

    /// <returns>Length of the frame that is there, or 0.</returns>
    private int LookAt(long at, ulong sequence, Tail tail)
    {
        _work--;
        if (sequence > _expected && Check(_tail!, at, sequence, out LogFrameHeader frame) is null)
        {
            tail.IsTorn = true;
            tail.Reach = Math.Max(tail.Reach, at + frame.Length);
            tail.Durable = Math.Max(tail.Durable, Math.Min(frame.Durable, sequence - 1));
            return frame.Length;
        }

        // An entry whose frame's head is gone shows as well that something was cut.
        if (!tail.HasEntry && CheckEntry(_tail!, at, (int)Math.Min(_end - at, int.MaxValue), sequence, out LogEntryHeader entry) is null)
        {
            tail.HasEntry = tail.IsTorn = true;
            tail.Reach = Math.Max(tail.Reach, at + entry.Length);
        }

        return 0;
    }

    /// <summary>True if what is at the end was begun in this incarnation: it has the LSN that is due, or would be right with it.</summary>
    private bool IsOfThisIncarnation(out long reach)
    {
        reach = _at;
        Span<byte> head = stackalloc byte[LogFrameHeader.Bytes];
        ReadOnlySpan<byte> bytes = _window.Read(_at, LogFrameHeader.Bytes);
        if (bytes.Length < head.Length) return false;
        bytes.CopyTo(head);
        bool isDue = BinaryPrimitives.ReadUInt64LittleEndian(head[8..]) == _expected;
        BinaryPrimitives.WriteUInt64LittleEndian(head[8..], _expected);
        bool hasHead = LogFrameHeader.TryRead(head, out LogFrameHeader frame) && frame.Length <= _end - _at;
        if (hasHead) reach = _at + frame.Length;
        else if (isDue) reach = _at + LogFrameHeader.Bytes;
        return isDue || (hasHead && Check(_window, _at, frame, head) is null);
    }

    /// <summary>What was found behind the end.</summary>
    private sealed class Tail
    {
        /// <summary>Something of this incarnation is there.</summary>
        public bool IsTorn { get; set; }

        public bool HasEntry { get; set; }

        public bool IsGivenUp { get; set; }

        /// <summary>Up to where.</summary>
        public long Reach { get; set; }

        /// <summary>What the frames there state as durable.</summary>
        public ulong Durable { get; set; }
    }
}
