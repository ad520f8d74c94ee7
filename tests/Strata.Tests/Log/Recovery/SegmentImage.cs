using System.Buffers.Binary;
using System.Text;

namespace Strata.Tests.Log;

/// <summary>A segment's bytes, written frame by frame.</summary>
internal sealed class SegmentImage
{
    /// <summary>The log that images are of.</summary>
    public const ulong Identity = 0x0123_4567_89AB_CDEF;

    /// <summary>A disk with the folder that segments and hints are in.</summary>
    public static SimulatedDisk EmptyDisk()
    {
        var disk = new SimulatedDisk();
        disk.CreateFolder(LogSegmentFiles.Folder);
        disk.SyncFolder("");
        return disk;
    }

    /// <param name="incarnation">The segment's.</param>
    /// <param name="kind">Its kind.</param>
    /// <param name="first">LSN of its first frame.</param>
    /// <param name="capacity">Bytes.</param>
    /// <param name="before">What an earlier incarnation left in the file.</param>
    /// <param name="identity">The log's.</param>
    public SegmentImage(uint incarnation, LogSegmentKind kind = LogSegmentKind.Appended, ulong first = 1, int capacity = 16 << 10, byte[]? before = null, ulong identity = Identity)
    {
        Header = new LogSegmentHeader(identity, incarnation, kind, first, first - 1, (uint)capacity);
        Bytes = new byte[capacity];
        before?.AsSpan(0, capacity).CopyTo(Bytes);
        Header.Write(Bytes);
        Next = first;
    }

    /// <summary>The head of a segment that has no image.</summary>
    public static LogSegmentHeader HeadOf(uint incarnation, LogSegmentKind kind = LogSegmentKind.Appended) => new(Identity, incarnation, kind, 1, 0, 1 << 20);

    /// <summary>The head of a segment on a disk.</summary>
    public static LogSegmentHeader HeadIn(SimulatedDisk disk, uint incarnation) =>
        LogSegmentHeader.Read(disk.BytesOf(LogSegmentFiles.NameOf(incarnation)), out LogSegmentHeader header) is { } wrong ? throw new InvalidOperationException(wrong) : header;

    public byte[] Bytes { get; }

    public LogSegmentHeader Header { get; }

    /// <summary>Where the next frame goes.</summary>
    public int End { get; set; } = LogSegmentHeader.FramesAt;

    /// <summary>Its LSN.</summary>
    public ulong Next { get; set; }

    /// <summary>Where the frames begin.</summary>
    public List<int> Frames { get; } = [];

    /// <summary>What each batch holds.</summary>
    public List<ImageEntry[]> Batches { get; } = [];

    public SegmentImage Batch(ulong durable, params ImageEntry[] entries)
    {
        int length = LogFrameHeader.Bytes + entries.Sum(e => e.Length);
        byte[] checksums = new byte[4 * entries.Length];
        Span<byte> frame = Begin(length);
        int at = LogFrameHeader.Bytes;
        for (int i = 0; i < entries.Length; i++)
        {
            Span<byte> entry = frame.Slice(at, entries[i].Length);
            entries[i].Write(entry, Header.Seed, entries[i].Sequence == 0 ? Next : entries[i].Sequence);
            entry[..4].CopyTo(checksums.AsSpan(4 * i));
            entries[i] = entries[i] with { Sequence = BinaryPrimitives.ReadUInt64LittleEndian(entry[8..]), Offset = (uint)(End + at) };
            at += entry.Length;
        }

        LogFrameHeader.Write(frame, length, Next++, durable, entries.Length, LogFrameKind.Batch);
        LogFrameHeader.Seal(frame, checksums, Header.Seed);
        Batches.Add(entries);
        End += length;
        return this;
    }

    public SegmentImage Seal(ulong durable = 0)
    {
        Span<byte> frame = Begin(LogFrameHeader.Bytes);
        LogFrameHeader.Write(frame, frame.Length, Next, durable, 0, LogFrameKind.Seal);
        LogFrameHeader.Seal(frame, default, Header.Seed);
        End += frame.Length;
        return this;
    }

    public SegmentImage Void(LogVoid cut, ulong durable = 0)
    {
        Span<byte> frame = Begin(LogFrameHeader.Bytes + LogVoid.Bytes);
        LogFrameHeader.Write(frame, frame.Length, Next++, durable, 0, LogFrameKind.Void);
        cut.Write(frame[LogFrameHeader.Bytes..]);
        LogFrameHeader.Seal(frame, frame[LogFrameHeader.Bytes..], Header.Seed);
        End += frame.Length;
        return this;
    }

    /// <summary>Batches of one key each, each stating all before it as durable.</summary>
    public SegmentImage Fill(int batches, int valueBytes = 20)
    {
        for (int i = 0; i < batches; i++) Batch(Next - 1, new ImageEntry($"key-{Next:d4}", new string((char)('a' + (i % 26)), valueBytes)));
        return this;
    }

    private Span<byte> Begin(int length)
    {
        Frames.Add(End);
        return Bytes.AsSpan(End, length);
    }
}

/// <summary>An entry of a <see cref="SegmentImage"/>.</summary>
internal sealed record ImageEntry(string Key, string Value, LogEntryFlags Flags = LogEntryFlags.None, long Expires = 0, ulong Sequence = 0, uint Offset = 0)
{
    public byte[] KeyBytes => Encoding.UTF8.GetBytes(Key);

    public int Length => LogEntryHeader.LengthOf(KeyBytes.Length, Encoding.UTF8.GetByteCount(Value));

    public void Write(Span<byte> to, LogSeed seed, ulong sequence)
    {
        byte[] key = KeyBytes, value = Encoding.UTF8.GetBytes(Value);
        to.Clear();
        LogEntryHeader.Write(to, Flags, key.Length, value.Length, Math.Min(2, value.Length), Expires);
        key.CopyTo(to[LogEntryHeader.Bytes..]);
        value.CopyTo(to[(LogEntryHeader.Bytes + key.Length)..]);
        LogEntryHeader.Seal(to, LogEntryHeader.ContentChecksum(to), seed, sequence);
    }
}
