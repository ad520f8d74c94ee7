using System.Buffers.Binary;

namespace Strata;

/// <summary>The head of an entry: one key's value, or its tombstone. docs/formats/log.md</summary>
/// <remarks>
/// <code>
///  0  u32  checksum  CRC-32C of bytes 4..8 and 16..end, exclusive-or the segment's <see cref="LogSeed"/> at the sequence
///  4  u8   flags     <see cref="LogEntryFlags"/> without Visited
///  5  u8   zero
///  6  u16  key length
///  8  u64  sequence  LSN of the batch that wrote it first; compaction keeps it
/// 16  u32  value length
/// 20  u32  head length: so many of the value's bytes are its head
/// 24  i64  expires, Unix milliseconds; 0 = never. Of a tombstone: not needed after this time
/// 32  key, value, zeros up to a multiple of 8
/// </code>
/// The seed is what makes an old entry of a recycled segment unreadable in the new one; taking it apart from the checksum
/// of the content lets that be computed before the place is known, and compaction move an entry without computing it anew.
/// </remarks>
internal readonly record struct LogEntryHeader(uint Checksum, LogEntryFlags Flags, int KeyLength, ulong Sequence, int ValueLength, int HeadLength, long Expires)
{
    public const int Bytes = 32, Alignment = 8, MaxKeyBytes = 1_100;

    /// <summary>Length in the file, padding included.</summary>
    public int Length => LengthOf(KeyLength, ValueLength);

    public static int LengthOf(int keyLength, int valueLength) => checked((Bytes + keyLength + valueLength + (Alignment - 1)) & -Alignment);

    /// <summary>Reads a head and checks that it fits into what is there; says nothing of the checksum.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, out LogEntryHeader header) => TryRead(from, from.Length, out header);

    /// <summary>Reads a head where the rest of the entry is not at hand, and checks that it fits into the room that there is.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, int room, out LogEntryHeader header)
    {
        header = default;
        if (from.Length < Bytes || from[5] != 0) return false;
        header = new LogEntryHeader(
            BinaryPrimitives.ReadUInt32LittleEndian(from),
            (LogEntryFlags)from[4],
            BinaryPrimitives.ReadUInt16LittleEndian(from[6..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(from[16..]),
            BinaryPrimitives.ReadInt32LittleEndian(from[20..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[24..]));
        return header.KeyLength is > 0 and <= MaxKeyBytes
            && header.ValueLength >= 0
            && (uint)header.HeadLength <= (uint)header.ValueLength
            && header.ValueLength <= room - Bytes - header.KeyLength
            && header.Length <= room;
    }

    /// <summary>Writes the head but for checksum and sequence, which are known when the place is.</summary>
    public static void Write(Span<byte> to, LogEntryFlags flags, int keyLength, int valueLength, int headLength, long expires)
    {
        to[..Bytes].Clear();
        to[4] = (byte)flags;
        BinaryPrimitives.WriteUInt16LittleEndian(to[6..], (ushort)keyLength);
        BinaryPrimitives.WriteInt32LittleEndian(to[16..], valueLength);
        BinaryPrimitives.WriteInt32LittleEndian(to[20..], headLength);
        BinaryPrimitives.WriteInt64LittleEndian(to[24..], expires);
    }

    /// <summary>Gives the entry its place.</summary>
    public static void Seal(Span<byte> entry, uint contentChecksum, LogSeed seed, ulong sequence)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(entry, contentChecksum ^ seed.At(sequence));
        BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], sequence);
    }

    /// <summary>Checksum of the content, whatever its place: of a whole entry with its padding.</summary>
    public static uint ContentChecksum(ReadOnlySpan<byte> entry)
    {
        var crc = default(Crc32C);
        crc.Append(entry[4..8]);
        crc.Append(entry[16..]);
        return crc.Value;
    }

    /// <summary>True if the whole entry, with its padding, is what was written in this use of the segment.</summary>
    public bool IsIntact(ReadOnlySpan<byte> entry, LogSeed seed) => (ContentChecksum(entry) ^ seed.At(Sequence)) == Checksum;
}
