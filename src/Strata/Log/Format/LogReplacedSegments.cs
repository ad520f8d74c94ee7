using System.Buffers.Binary;

namespace Strata;

/// <summary>
/// Which segments a compacted one takes the place of: the rest of the first 4,096 bytes. They go one after the other once
/// it has its name; one that is still there at the next opening does not count (else a tombstone could be gone before
/// what it hides). docs/formats/log.md
/// </summary>
/// <remarks><c>u32 checksum of what follows, u32 count, u32 incarnation each</c>; of an appended segment the count is 0.</remarks>
internal static class LogReplacedSegments
{
    /// <summary>So many fit.</summary>
    public const int Most = 500;

    public static void Write(Span<byte> to, IReadOnlyList<LogSegment> replaced)
    {
        if (replaced.Count > Most) throw new ArgumentException($"A segment takes the place of at most {Most} others.", nameof(replaced));
        BinaryPrimitives.WriteInt32LittleEndian(to[4..], replaced.Count);
        for (int i = 0; i < replaced.Count; i++) BinaryPrimitives.WriteUInt32LittleEndian(to[(8 + (4 * i))..], replaced[i].Incarnation);
        BinaryPrimitives.WriteUInt32LittleEndian(to, Crc32C.Of(to[4..(8 + (4 * replaced.Count))]));
    }

    /// <summary>Reads the list. False: it is damaged.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, List<uint> replaced)
    {
        if (from.Length < 8) return false;
        int count = BinaryPrimitives.ReadInt32LittleEndian(from[4..]);
        if (count is < 0 or > Most || from.Length < 8 + (4 * count)) return false;
        if (BinaryPrimitives.ReadUInt32LittleEndian(from) != Crc32C.Of(from[4..(8 + (4 * count))])) return false;
        for (int i = 0; i < count; i++) replaced.Add(BinaryPrimitives.ReadUInt32LittleEndian(from[(8 + (4 * i))..]));
        return true;
    }
}
