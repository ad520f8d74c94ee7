using System.Buffers.Binary;

namespace Strata;

/// <summary>
/// Says that nothing in a segment counts from an offset on, though some of it may have reached the medium: a write or a
/// sync failed there, and its callers were told that it was not applied (CONSISTENCY 7). The first frame of the segment
/// that follows.
/// </summary>
/// <param name="Incarnation">The segment that ends early.</param>
/// <param name="End">Where.</param>
/// <param name="FirstSequence">The first LSN that does not count.</param>
/// <param name="LastSequence">The last that does not count.</param>
internal readonly record struct LogVoid(uint Incarnation, uint End, ulong FirstSequence, ulong LastSequence)
{
    public const int Bytes = 24;

    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to, Incarnation);
        BinaryPrimitives.WriteUInt32LittleEndian(to[4..], End);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], FirstSequence);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], LastSequence);
    }

    public static LogVoid Read(ReadOnlySpan<byte> from) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(from),
        BinaryPrimitives.ReadUInt32LittleEndian(from[4..]),
        BinaryPrimitives.ReadUInt64LittleEndian(from[8..]),
        BinaryPrimitives.ReadUInt64LittleEndian(from[16..]));
}
