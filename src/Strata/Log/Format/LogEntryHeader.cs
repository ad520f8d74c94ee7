using System.Buffers.Binary;
using System.Numerics;

namespace Strata;

/// <summary>The head of an entry: one key's value, or its tombstone. docs/formats/log.md</summary>
/// <remarks>
/// <code>
///  0  u32  checksum  CRC-32C of bytes 4..8 and 16..end, exclusive-or the segment's <see cref="LogSeed"/> at the sequence
///  4  u8   flags     <see cref="LogEntryFlags"/> without Visited
///  5  u8   zero
///  6  u16  key length, 1 to 2,080
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
    public const int Bytes = 32, Alignment = 8;

    /// <summary>Keyspace and all: room for a KV key of 2,048 bytes, and for the time before it in the order of expiry. A node of the index must hold one, whatever it shares.</summary>
    public const int MaxKeyBytes = 2_080;

    /// <summary>Length in the file, padding included.</summary>
    public int Length => LengthOf(KeyLength, ValueLength);

    public static int LengthOf(int keyLength, int valueLength) => checked((Bytes + keyLength + valueLength + (Alignment - 1)) & -Alignment);

    public static LogEntryFlags FlagsOf(ReadOnlySpan<byte> entry) => (LogEntryFlags)entry[4];

    public static int KeyLengthOf(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadUInt16LittleEndian(entry[6..]);

    public static ulong SequenceOf(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadUInt64LittleEndian(entry[8..]);

    public static int ValueLengthOf(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadInt32LittleEndian(entry[16..]);

    public static int HeadLengthOf(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadInt32LittleEndian(entry[20..]);

    public static long ExpiresOf(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadInt64LittleEndian(entry[24..]);

    /// <summary>Whether a whole entry, padding included, is what was written of a key in this use of the segment.</summary>
    /// <returns>Why not; null if it is.</returns>
    public static string? Fault(ReadOnlySpan<byte> entry, ReadOnlySpan<byte> key, LogSeed seed)
    {
        if (entry.Length < Bytes || entry[5] != 0) return "it has no head";
        int keyLength = KeyLengthOf(entry), valueLength = ValueLengthOf(entry);
        if (valueLength < 0 || (uint)HeadLengthOf(entry) > (uint)valueLength || ((Bytes + keyLength + (long)valueLength + (Alignment - 1)) & -Alignment) != entry.Length) return "it has no head that fits";
        if (!entry.Slice(Bytes, keyLength).SequenceEqual(key)) return "another key is there";
        return (ContentChecksum(entry) ^ seed.At(SequenceOf(entry))) == BinaryPrimitives.ReadUInt32LittleEndian(entry) ? null : "it does not match its checksum";
    }

    /// <summary>Reads a head and checks that it fits into what is there; says nothing of the checksum.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, out LogEntryHeader header) => TryRead(from, from.Length, out header);

    /// <summary>Reads a head where the rest of the entry is not at hand, and checks that it fits into the room that there is.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, int room, out LogEntryHeader header)
    {
        header = default;
        if (from.Length < Bytes || from[5] != 0) return false;
        header = new LogEntryHeader(
            BinaryPrimitives.ReadUInt32LittleEndian(from),
            FlagsOf(from),
            KeyLengthOf(from),
            SequenceOf(from),
            ValueLengthOf(from),
            HeadLengthOf(from),
            ExpiresOf(from));
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
    public static uint ContentChecksum(ReadOnlySpan<byte> entry) =>
        ~Crc32C.Append(BitOperations.Crc32C(uint.MaxValue, BinaryPrimitives.ReadUInt32LittleEndian(entry[4..])), entry[16..]);

    /// <summary>True if the whole entry, with its padding, is what was written in this use of the segment.</summary>
    public bool IsIntact(ReadOnlySpan<byte> entry, LogSeed seed) => (ContentChecksum(entry) ^ seed.At(Sequence)) == Checksum;
}
