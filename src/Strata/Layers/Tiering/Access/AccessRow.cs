using System.Buffers.Binary;

namespace Strata;

/// <summary>What a row holds of a key's use. docs/formats/access-rows.md</summary>
/// <remarks>
/// <code>
///  0  u8   format, 1
///  4  u32  first access, seconds since 1970
///  8  u32  last access
/// 12  f32  score as of then
/// 16  u32  seconds of a lane of the access window
/// 20  u32  seconds of a lane of the history window
/// 24  u64  accesses in the lanes of the access window as of the last access, the newest in the lowest byte
/// 32  u64  the same of the history window
/// </code>
/// Little-endian. What is not named is 0.
/// </remarks>
internal static class AccessRow
{
    public const int Bytes = 40;
    private const byte Format = 1;

    public static KvValue Write(in AccessEntry entry, uint recentLane, uint historyLane)
    {
        byte[] bytes = new byte[Bytes];
        bytes[0] = Format;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), entry.First);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), entry.Last);
        BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(12), entry.Score);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(16), recentLane);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(20), historyLane);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), entry.Recent);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(32), entry.History);
        return KvValue.OfBytes(bytes);
    }

    /// <summary>Reads what <see cref="Write"/> wrote; of a window that has another length by now the accesses are not known.</summary>
    /// <returns>False: it is no such row.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, uint recentLane, uint historyLane, out AccessEntry entry)
    {
        entry = default;
        if (bytes.Length != Bytes || bytes[0] != Format) return false;
        entry.First = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        entry.Last = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        entry.Score = BinaryPrimitives.ReadSingleLittleEndian(bytes[12..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]) == recentLane) entry.Recent = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[20..]) == historyLane) entry.History = BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]);
        return entry.Score >= 0 && float.IsFinite(entry.Score);
    }
}
