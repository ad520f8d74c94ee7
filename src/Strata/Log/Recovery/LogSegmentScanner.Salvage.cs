using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Strata;

/// <content>What is intact in and behind a frame that is not right: for a person in trouble, never for an opening.</content>
internal sealed partial class LogSegmentScanner
{
    private long _brokenEnd;

    /// <summary>Where what is not right begins, after <see cref="TryResume"/>.</summary>
    public uint BrokenAt { get; private set; }

    /// <summary>Bytes that are not right: up to where the scan goes on, or of the one frame whose head says so.</summary>
    public long BrokenBytes => Math.Max(0, _brokenEnd - BrokenAt);

    /// <summary>Whether <see cref="MoveNextBrokenEntry"/> has come through all of them.</summary>
    public bool IsBrokenKnown => BrokenBytes > LogFrameHeader.Bytes && _nextEntry == _brokenEnd;

    /// <summary>Whether the entry that <see cref="MoveNextBrokenEntry"/> went to matches its checksum.</summary>
    public bool IsEntryIntact { get; private set; }

    /// <summary>
    /// Goes on behind something that is not right: at the next frame that is, its LSN later than the one that was due.
    /// False: there is none. What lies in a value could be taken for a frame only where somebody knew the log's identity.
    /// </summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public bool TryResume()
    {
        if (!_isOver || Result.End is LogScanEnd.Sealed or LogScanEnd.Voided) return false;
        BrokenAt = (uint)_at;
        _tail ??= new LogFileWindow(_file, _end, TailChunkBytes);
        _work = MostWork;
        long next = NextFrame(out ulong sequence);
        _brokenEnd = next < 0 ? Math.Min(_end, BrokenAt + (long)LengthOfBroken()) : next;
        _nextEntry = BrokenAt + LogFrameHeader.Bytes;
        _work = long.MaxValue;
        if (next < 0) return false;
        (_at, _expected, _isOver, Frame) = (next, sequence, false, default);
        return true;
    }

    /// <summary>
    /// After <see cref="TryResume"/>, whatever it said: goes through the entries of the frame that is not right, as far as
    /// their heads lead from one to the next.
    /// </summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public bool MoveNextBrokenEntry()
    {
        int room = (int)Math.Clamp(_brokenEnd - _nextEntry, 0, int.MaxValue);
        if (room < LogEntryHeader.Bytes || !LogEntryHeader.TryRead(_window.Read(_nextEntry, LogEntryHeader.Bytes), room, out LogEntryHeader entry)) return false;
        if ((entry.Flags & ~KnownFlags) != LogEntryFlags.None || entry.Sequence == 0) return false;
        IsEntryIntact = IsIntact(_window, _nextEntry, entry);
        (Entry, EntryAt) = (entry, (uint)_nextEntry);
        _nextEntry += entry.Length;
        return true;
    }

    private int LengthOfBroken() =>
        LogFrameHeader.TryRead(_window.Read(BrokenAt, LogFrameHeader.Bytes), out LogFrameHeader frame) ? frame.Length : 0;

    /// <summary>The next frame that is right, or -1.</summary>
    private long NextFrame(out ulong sequence)
    {
        sequence = 0;

        // If the head of what is not right is, the next frame is where it says.
        long told = _at + LengthOfBroken();
        if (told > _at && told < _end && IsFrame(told, _expected + 1))
        {
            sequence = _expected + 1;
            return told;
        }

        for (long from = _at + Step; _end - from >= LogFrameHeader.Bytes && !IsTooMuch;)
        {
            ReadOnlySpan<byte> bytes = _window.Read(from, (int)Math.Min(ChunkBytes, _end - from));
            ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
            if (words.Length < 2) break;
            for (int i = 1; i < words.Length; i++)
            {
                sequence = BitConverter.IsLittleEndian ? words[i] : BinaryPrimitives.ReverseEndianness(words[i]);
                long at = from + ((i - 1) * (long)Step);

                // No frame is shorter than its head.
                if (sequence - _expected - 1 < (ulong)(at - _at) / LogFrameHeader.Bytes && IsFrame(at, sequence)) return at;
            }

            from += (words.Length - 1) * (long)Step;
        }

        return -1;
    }

    private bool IsFrame(long at, ulong sequence)
    {
        _work--;
        return Check(_tail!, at, sequence, out _) is null;
    }
}
