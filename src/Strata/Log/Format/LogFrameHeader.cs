using System.Buffers.Binary;

namespace Strata;

/// <summary>The head of a frame: the entries of one batch, which count all or not at all. docs/formats/log.md</summary>
/// <remarks>
/// <code>
///  0  u32  checksum  CRC-32C of bytes 4..32 and of the checksums of its entries (or, of a seal or void, of what follows),
///                    exclusive-or the segment's <see cref="LogSeed"/> at the sequence
///  4  u32  length    bytes of the whole frame, a multiple of 8
///  8  u64  sequence  LSN: of each frame one more than of the frame before it in the segment
/// 16  u64  durable   the highest LSN that was durable when this was written
/// 24  u32  count     of entries
/// 28  u8   kind      <see cref="LogFrameKind"/>
/// 29  3    zeros
/// 32  entries
/// </code>
/// </remarks>
internal readonly record struct LogFrameHeader(uint Checksum, int Length, ulong Sequence, ulong Durable, int Count, LogFrameKind Kind)
{
    public const int Bytes = 32;

    public static bool TryRead(ReadOnlySpan<byte> from, out LogFrameHeader header)
    {
        header = default;
        if (from.Length < Bytes || (from[29] | from[30] | from[31]) != 0) return false;
        header = new LogFrameHeader(
            BinaryPrimitives.ReadUInt32LittleEndian(from),
            BinaryPrimitives.ReadInt32LittleEndian(from[4..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[16..]),
            BinaryPrimitives.ReadInt32LittleEndian(from[24..]),
            (LogFrameKind)from[28]);
        return header.Length >= Bytes && header.Length % LogEntryHeader.Alignment == 0 && header.Kind is >= LogFrameKind.Batch and <= LogFrameKind.Seal && header.Count >= 0;
    }

    /// <summary>Writes a head; the checksum needs the checksums of the entries, appended already.</summary>
    public static void Write(Span<byte> to, int length, ulong sequence, ulong durable, int count, LogFrameKind kind)
    {
        to[..Bytes].Clear();
        BinaryPrimitives.WriteInt32LittleEndian(to[4..], length);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], durable);
        BinaryPrimitives.WriteInt32LittleEndian(to[24..], count);
        to[28] = (byte)kind;
    }

    /// <summary>Writes the checksum, last of all.</summary>
    /// <param name="frame">The head, written but for its checksum.</param>
    /// <param name="covered">What it covers beside the head: the checksums of the entries, or a body.</param>
    /// <param name="seed">The segment's.</param>
    public static void Seal(Span<byte> frame, ReadOnlySpan<byte> covered, LogSeed seed) =>
        BinaryPrimitives.WriteUInt32LittleEndian(frame, Sum(frame, covered, seed));

    /// <summary>The checksum that a head should have.</summary>
    public static uint Sum(ReadOnlySpan<byte> frame, ReadOnlySpan<byte> covered, LogSeed seed)
    {
        var crc = default(Crc32C);
        crc.Append(frame[4..Bytes]);
        crc.Append(covered);
        return crc.Value ^ seed.At(BinaryPrimitives.ReadUInt64LittleEndian(frame[8..]));
    }
}
