using System.Buffers.Binary;

namespace Strata;

/// <summary>The head of a hint file: what opening must know of a segment without reading it. docs/formats/log.md</summary>
/// <remarks>
/// <code>
///  0  8    magic "STRATHNT"
///  8  u32  checksum  CRC-32C of bytes 12..128
/// 12  u32  format version, 1
/// 16  u32  incarnation of the segment
/// 20  u8   kind of the segment  <see cref="LogSegmentKind"/>
/// 21  u8   bytes of an LSN in the entries: 4 or 8
/// 22  u16  shared: so many first bytes all keys have in common
/// 24  u64  first     lowest LSN of the entries, which theirs are counted from
/// 32  u64  last      highest LSN of the segment's entries and frames, but for the seal's
/// 40  u32  end       where the segment's frames end, the seal included
/// 44  u32  count     of entries
/// 48  u32  blocks    so many
/// 52  u32  blocks' checksum  CRC-32C of the blocks' checksums, in order
/// 56  u64  length    of the file
/// 64  24   what the segment says of an earlier one <see cref="LogVoid"/>, or zeros
/// 88  u64  identity of the log
/// 96  32   zeros
/// 128 blocks
/// </code>
/// A block has up to 64 KiB:
/// <code>
///  0  u32  checksum  CRC-32C of the rest, exclusive-or the segment's <see cref="LogSeed"/> at the number of the block, from 0 on
///  4  u32  length    of the block
///  8  u32  count     of its entries
/// 12  entries, in ascending order of their keys, each key once:
///     u16 so many bytes are as in the key before in the block, u16 length of the rest, u32 offset in the segment,
///     u32 length in units of 8 bytes (24 bits) and flags (8 bits), LSN (u32 or u64), i64 expires if flagged, the rest of the key
/// </code>
/// </remarks>
internal readonly record struct LogHintHeader(
    ulong Identity, uint Incarnation, LogSegmentKind Kind, int SequenceBytes, int SharedBytes, ulong First, ulong Last, uint End, uint Count, uint Blocks, uint BlocksChecksum, long Length, LogVoid? Void)
{
    public const int Bytes = 128, BlockHeaderBytes = 12, BlockBytes = 64 << 10;
    public const uint Version = 1;
    private static ReadOnlySpan<byte> Magic => "STRATHNT"u8;

    /// <summary>Bytes of an entry but for expiry and key.</summary>
    public int EntryBytes => 12 + SequenceBytes;

    public LogSeed Seed => LogSeed.Of(Identity, Incarnation);

    /// <summary>The checksum that a block should have.</summary>
    public static uint BlockChecksum(ReadOnlySpan<byte> block, LogSeed seed, uint number) => Crc32C.Of(block[4..]) ^ seed.At(number);

    public void Write(Span<byte> to)
    {
        to[..Bytes].Clear();
        Magic.CopyTo(to);
        BinaryPrimitives.WriteUInt32LittleEndian(to[12..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(to[16..], Incarnation);
        to[20] = (byte)Kind;
        to[21] = (byte)SequenceBytes;
        BinaryPrimitives.WriteUInt16LittleEndian(to[22..], (ushort)SharedBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(to[24..], First);
        BinaryPrimitives.WriteUInt64LittleEndian(to[32..], Last);
        BinaryPrimitives.WriteUInt32LittleEndian(to[40..], End);
        BinaryPrimitives.WriteUInt32LittleEndian(to[44..], Count);
        BinaryPrimitives.WriteUInt32LittleEndian(to[48..], Blocks);
        BinaryPrimitives.WriteUInt32LittleEndian(to[52..], BlocksChecksum);
        BinaryPrimitives.WriteInt64LittleEndian(to[56..], Length);
        Void?.Write(to[64..]);
        BinaryPrimitives.WriteUInt64LittleEndian(to[88..], Identity);
        BinaryPrimitives.WriteUInt32LittleEndian(to[8..], Crc32C.Of(to[12..Bytes]));
    }

    /// <summary>Reads a head.</summary>
    /// <param name="from">The first bytes of the file.</param>
    /// <param name="length">Of the file.</param>
    /// <param name="incarnation">The segment that it should be of.</param>
    /// <param name="header">What they say.</param>
    /// <returns>What is wrong with it, or null.</returns>
    public static string? Read(ReadOnlySpan<byte> from, long length, uint incarnation, out LogHintHeader header)
    {
        header = default;
        if (from.Length < Bytes || !from[..8].SequenceEqual(Magic)) return "it does not begin as a hint";
        if (BinaryPrimitives.ReadUInt32LittleEndian(from[8..]) != Crc32C.Of(from[12..Bytes])) return "its head does not match its checksum";
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(from[12..]);
        if (version != Version) return $"it has format {version}, and this version of Strata reads format {Version}";
        var cut = LogVoid.Read(from[64..]);
        header = new LogHintHeader(
            BinaryPrimitives.ReadUInt64LittleEndian(from[88..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[16..]),
            (LogSegmentKind)from[20],
            from[21],
            BinaryPrimitives.ReadUInt16LittleEndian(from[22..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[24..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[32..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[40..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[44..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[48..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[52..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[56..]),
            cut.Incarnation == 0 ? null : cut);
        if (header.Incarnation != incarnation) return $"it is of segment {header.Incarnation:x8}";
        if (header.Length != length) return $"it has {length} bytes of {header.Length}";
        bool makesSense = header.Kind is LogSegmentKind.Appended or LogSegmentKind.Compacted
            && header.SequenceBytes is sizeof(uint) or sizeof(ulong)
            && header.Identity != LogIdentity.None
            && header.SharedBytes <= LogEntryHeader.MaxKeyBytes
            && header.First <= header.Last
            && header.End >= LogSegmentHeader.FramesAt
            && header.Blocks <= header.Count;
        return makesSense ? null : "its head states what cannot be";
    }
}
