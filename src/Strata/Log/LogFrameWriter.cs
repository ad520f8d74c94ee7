using System.Buffers;
using System.Buffers.Binary;

namespace Strata;

/// <summary>Writes entries that are moved, as they are but for their place, to a new segment: in frames of about 1 MiB, counted from 1.</summary>
internal sealed class LogFrameWriter(LogSegment target) : IDisposable
{
    private const int FrameBytes = 1 << 20;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(FrameBytes + (64 << 10));
    private int _used = LogFrameHeader.Bytes;
    private int _count;
    private ulong _frame;
    private Crc32C _checksums;

    public LogKeyArena Keys { get; } = new();

    public int Entries { get; private set; }

    /// <summary>Bytes of the entries.</summary>
    public long Bytes { get; private set; }

    /// <summary>Adds an entry, verified already.</summary>
    /// <returns>Where it will be.</returns>
    public LogLocation Add(ReadOnlySpan<byte> entry, in LogEntryHeader header)
    {
        if (_count > 0 && _used + entry.Length > FrameBytes) WriteFrame();
        if (_used + entry.Length > _buffer.Length)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = ArrayPool<byte>.Shared.Rent(_used + entry.Length);
        }

        Span<byte> copy = _buffer.AsSpan(_used, entry.Length);
        entry.CopyTo(copy);
        LogEntryHeader.Seal(copy, LogEntryHeader.ContentChecksum(copy), target.Seed, header.Sequence);
        _checksums.Append(copy[..4]);
        var location = new LogLocation(target.Incarnation, target.End + (uint)_used, (uint)entry.Length / LogEntryHeader.Alignment, header.Flags);
        _used += entry.Length;
        _count++;
        Entries++;
        Bytes += entry.Length;
        target.LastSequence = Math.Max(target.LastSequence, header.Sequence);
        return location;
    }

    /// <summary>Writes what is left and the seal, and puts all of it on the medium.</summary>
    public void Finish()
    {
        if (_count > 0) WriteFrame();
        Span<byte> seal = stackalloc byte[LogFrameHeader.Bytes];
        LogFrameHeader.Write(seal, seal.Length, _frame + 1, 0, 0, LogFrameKind.Seal);
        LogFrameHeader.Seal(seal, default, target.Seed);
        target.File.Write(target.End, seal);
        target.End += LogFrameHeader.Bytes;
        target.File.Sync();
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    private void WriteFrame()
    {
        Span<byte> frame = _buffer.AsSpan(0, _used);
        LogFrameHeader.Write(frame, _used, ++_frame, 0, _count, LogFrameKind.Batch);
        var sum = default(Crc32C);
        sum.Append(frame[4..LogFrameHeader.Bytes]);
        BinaryPrimitives.WriteUInt32LittleEndian(frame, Crc32C.Combine(sum.Value, _checksums.Value, 4L * _count) ^ target.Seed.At(_frame));
        target.File.Write(target.End, frame);
        target.File.StartWriteBack(target.End, _used);
        target.End += (uint)_used;
        _used = LogFrameHeader.Bytes;
        _count = 0;
        _checksums = default;
    }
}
