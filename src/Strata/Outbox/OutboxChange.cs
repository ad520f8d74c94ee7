using System.Buffers.Binary;

namespace Strata;

/// <summary>What the row of a change says. docs/formats/outbox.md</summary>
/// <param name="Enqueued">When it came, Unix milliseconds.</param>
/// <param name="Data">What it says of itself.</param>
internal readonly record struct OutboxChange(long Enqueued, ReadOnlyMemory<byte> Data)
{
    public const int MaxDataBytes = 4 << 10;
    private const byte Format = 1;
    private const int HeadBytes = 9;

    /// <exception cref="InvalidDataException">It is not what an outbox wrote.</exception>
    public static OutboxChange Read(ReadOnlyMemory<byte> bytes) => bytes.Length >= HeadBytes && bytes.Span[0] == Format
        ? new OutboxChange(BinaryPrimitives.ReadInt64LittleEndian(bytes.Span[1..]), bytes[HeadBytes..])
        : throw new InvalidDataException("A change in an outbox is of no format that this version of Strata knows.");

    public KvValue Write()
    {
        byte[] bytes = new byte[HeadBytes + Data.Length];
        bytes[0] = Format;
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(1), Enqueued);
        Data.Span.CopyTo(bytes.AsSpan(HeadBytes));
        return KvValue.OfBytes(bytes);
    }
}
