using System.Buffers.Binary;

namespace Strata;

/// <summary>The first bytes of a segment. docs/formats/log.md</summary>
/// <remarks>
/// <code>
///  0  8    magic "STRATLOG"
///  8  u32  checksum  CRC-32C of bytes 12..64
/// 12  u32  format version, 1
/// 16  u32  incarnation: never used twice in a log
/// 20  u8   kind      <see cref="LogSegmentKind"/>
/// 21  3    zeros
/// 24  u64  first     LSN of its first frame
/// 32  u64  durable   highest LSN that was durable in earlier segments when this one began
/// 40  u32  capacity  bytes preallocated
/// 44  u32  zeros
/// 48  u64  identity  of the log
/// 56  8    zeros
/// </code>
/// Frames begin at 4,096, so that no write of a frame touches the sector of the head.
/// </remarks>
internal readonly record struct LogSegmentHeader(ulong Identity, uint Incarnation, LogSegmentKind Kind, ulong First, ulong Durable, uint Capacity)
{
    public const int Bytes = 64, FramesAt = 4_096;
    public const uint Version = 1;

    /// <summary>What is wrong with the head of a file that was recycled and not begun since.</summary>
    public const string EarlierUse = "its head is of an earlier use";

    private static ReadOnlySpan<byte> Magic => "STRATLOG"u8;

    public LogSeed Seed => LogSeed.Of(Identity, Incarnation);

    public void Write(Span<byte> to)
    {
        to[..Bytes].Clear();
        Magic.CopyTo(to);
        BinaryPrimitives.WriteUInt32LittleEndian(to[12..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(to[16..], Incarnation);
        to[20] = (byte)Kind;
        BinaryPrimitives.WriteUInt64LittleEndian(to[24..], First);
        BinaryPrimitives.WriteUInt64LittleEndian(to[32..], Durable);
        BinaryPrimitives.WriteUInt32LittleEndian(to[40..], Capacity);
        BinaryPrimitives.WriteUInt64LittleEndian(to[48..], Identity);
        BinaryPrimitives.WriteUInt32LittleEndian(to[8..], Crc32C.Of(to[12..Bytes]));
    }

    /// <summary>Reads a head.</summary>
    /// <param name="from">The first bytes of the file.</param>
    /// <param name="header">What they say.</param>
    /// <returns>What is wrong with it, or null.</returns>
    public static string? Read(ReadOnlySpan<byte> from, out LogSegmentHeader header)
    {
        header = default;
        if (!HasMagic(from)) return "it does not begin as a segment of the log";
        if (!MatchesChecksum(from)) return "its head does not match its checksum";
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(from[12..]);
        if (version != Version) return $"it has format {version}, and this version of Strata reads format {Version}";
        if (BinaryPrimitives.ReadUInt64LittleEndian(from[48..]) is LogIdentity.None) return "its head states no log that it is of, as those of versions under development did";
        header = new LogSegmentHeader(
            BinaryPrimitives.ReadUInt64LittleEndian(from[48..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[16..]),
            (LogSegmentKind)from[20],
            BinaryPrimitives.ReadUInt64LittleEndian(from[24..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[32..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[40..]));
        return null;
    }

    /// <summary>True if a head is as somebody wrote it, be it in a format that is not known here.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> from) => HasMagic(from) && MatchesChecksum(from);

    private static bool HasMagic(ReadOnlySpan<byte> from) => from.Length >= Bytes && from[..8].SequenceEqual(Magic);

    private static bool MatchesChecksum(ReadOnlySpan<byte> from) => BinaryPrimitives.ReadUInt32LittleEndian(from[8..]) == Crc32C.Of(from[12..Bytes]);
}
