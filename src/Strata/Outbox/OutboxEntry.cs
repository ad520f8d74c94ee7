using System.Buffers.Binary;
using System.Text;

namespace Strata;

/// <summary>What the row of an intent that was taken says, and that of a dead letter. docs/formats/outbox.md</summary>
/// <remarks>
/// <code>
///  0  u8   format, 1
///  1  u8   1: a worker has it
///  2  10   stamp of the change
/// 12  i64  enqueued, Unix milliseconds
/// 20  i64  when the lease ends or the wait is over; of a dead letter when it was given up
/// 28  i32  attempts so far
/// 32  u8   length of the owner, UTF-8; then the owner
///     u16  length of the error, UTF-8; then the error
///     the data</code>
/// Little-endian but for the stamp.
/// </remarks>
internal sealed record OutboxEntry
{
    public const int MaxErrorLength = 500;
    private const byte Format = 1;
    private const int HeadBytes = 33;

    public required Versionstamp Change { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long Enqueued { get; init; }

    /// <summary>When the lease ends or the wait is over, or when it was given up; Unix milliseconds.</summary>
    public required long Time { get; init; }

    public int Attempts { get; init; }

    public bool IsLeased { get; init; }

    public string Owner { get; init; } = "";

    public string Error { get; init; } = "";

    public ReadOnlyMemory<byte> Data { get; init; }

    /// <exception cref="InvalidDataException">It is not what an outbox wrote.</exception>
    public static OutboxEntry Read(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            ReadOnlySpan<byte> span = bytes.Span;
            if (span[0] != Format) throw new InvalidDataException($"An intent of an outbox has format {span[0]}; this version of Strata reads format {Format}.");
            int ownerLength = span[HeadBytes - 1], errorAt = HeadBytes + ownerLength, errorLength = BinaryPrimitives.ReadUInt16LittleEndian(span[errorAt..]);
            _ = Versionstamp.TryRead(span.Slice(2, Versionstamp.Bytes), out Versionstamp change);
            return new OutboxEntry
            {
                IsLeased = span[1] == 1,
                Change = change,
                Enqueued = BinaryPrimitives.ReadInt64LittleEndian(span[12..]),
                Time = BinaryPrimitives.ReadInt64LittleEndian(span[20..]),
                Attempts = BinaryPrimitives.ReadInt32LittleEndian(span[28..]),
                Owner = Encoding.UTF8.GetString(span.Slice(HeadBytes, ownerLength)),
                Error = Encoding.UTF8.GetString(span.Slice(errorAt + sizeof(ushort), errorLength)),
                Data = bytes[(errorAt + sizeof(ushort) + errorLength)..],
            };
        }
        catch (Exception e) when (e is ArgumentException or IndexOutOfRangeException)
        {
            throw new InvalidDataException("An intent of an outbox is shorter than it says.", e);
        }
    }

    public KvValue Write()
    {
        byte[] owner = Encoding.UTF8.GetBytes(Owner), error = Encoding.UTF8.GetBytes(Error.Length > MaxErrorLength ? Error[..MaxErrorLength] : Error);
        byte[] bytes = new byte[HeadBytes + owner.Length + sizeof(ushort) + error.Length + Data.Length];
        bytes[0] = Format;
        bytes[1] = IsLeased ? (byte)1 : (byte)0;
        Change.CopyTo(bytes.AsSpan(2));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(12), Enqueued);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(20), Time);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(28), Attempts);
        bytes[HeadBytes - 1] = (byte)owner.Length;
        owner.CopyTo(bytes, HeadBytes);
        int errorAt = HeadBytes + owner.Length;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(errorAt), (ushort)error.Length);
        error.CopyTo(bytes, errorAt + sizeof(ushort));
        Data.Span.CopyTo(bytes.AsSpan(errorAt + sizeof(ushort) + error.Length));
        return KvValue.OfBytes(bytes);
    }
}
