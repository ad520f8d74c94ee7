using System.Buffers.Binary;
using System.Text;

namespace Strata;

/// <summary>What the database holds of a message. docs/formats/kv-queue.md</summary>
/// <remarks>
/// <code>
///  0  u8   format, 1
///  1  u8   encoding of the value
///  2  u16  deliveries so far
///  4  i64  enqueued, Unix milliseconds
/// 12  i64  given up, Unix milliseconds; 0 = it is not
/// 20  u16  length of the error, UTF-8; then the error
///     u8   count of waits; then each as u64, milliseconds
///     u8   count of keys that are set if it is given up; then each as u16 length and bytes
///     the value
/// </code>
/// Little-endian.
/// </remarks>
internal sealed record QueueRecord
{
    public const int MaxErrorLength = 500, MaxBackoff = 100, MaxKeys = 10;
    private const byte Format = 1;

    /// <summary>365 days, the longest wait that can be asked for.</summary>
    private const ulong MaxBackoffMilliseconds = 365UL * 24 * 60 * 60 * 1_000;

    private const int HeadBytes = 22;

    public required KvValue Value { get; init; }

    public required DateTimeOffset Enqueued { get; init; }

    public int Deliveries { get; init; }

    public DateTimeOffset? GivenUp { get; init; }

    public string Error { get; init; } = "";

    public IReadOnlyList<TimeSpan> Backoff { get; init; } = [];

    public IReadOnlyList<ReadOnlyMemory<byte>> KeysIfUndelivered { get; init; } = [];

    /// <exception cref="InvalidDataException">It is not what a queue wrote.</exception>
    public static QueueRecord Read(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return ReadWhole(bytes);
        }
        catch (Exception e) when (e is ArgumentException or IndexOutOfRangeException)
        {
            throw new InvalidDataException("A message of a queue is shorter than it says, or has a time beyond the calendar.", e);
        }
    }

    public KvValue Write()
    {
        byte[] error = Encoding.UTF8.GetBytes(Error.Length > MaxErrorLength ? Error[..MaxErrorLength] : Error);
        int length = HeadBytes + error.Length + 1 + (Backoff.Count * sizeof(ulong)) + 1 + KeysIfUndelivered.Sum(k => sizeof(ushort) + k.Length) + Value.Data.Length;
        byte[] bytes = new byte[length];
        Span<byte> to = bytes;
        to[0] = Format;
        to[1] = (byte)Value.Encoding;
        BinaryPrimitives.WriteUInt16LittleEndian(to[2..], (ushort)Math.Min(Deliveries, ushort.MaxValue));
        BinaryPrimitives.WriteInt64LittleEndian(to[4..], Enqueued.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64LittleEndian(to[12..], GivenUp?.ToUnixTimeMilliseconds() ?? 0);
        BinaryPrimitives.WriteUInt16LittleEndian(to[20..], (ushort)error.Length);
        to = to[HeadBytes..];
        error.CopyTo(to);
        to = to[error.Length..];
        to[0] = (byte)Backoff.Count;
        to = to[1..];
        foreach (TimeSpan wait in Backoff)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(to, (ulong)wait.TotalMilliseconds);
            to = to[sizeof(ulong)..];
        }

        to[0] = (byte)KeysIfUndelivered.Count;
        to = to[1..];
        foreach (ReadOnlyMemory<byte> key in KeysIfUndelivered)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)key.Length);
            key.Span.CopyTo(to[sizeof(ushort)..]);
            to = to[(sizeof(ushort) + key.Length)..];
        }

        Value.Data.Span.CopyTo(to);
        return KvValue.OfBytes(bytes);
    }

    private static QueueRecord ReadWhole(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlySpan<byte> from = bytes.Span;
        if (from.Length < HeadBytes || from[0] != Format) throw new InvalidDataException(from.IsEmpty ? "A message of a queue is empty." : $"A message of a queue has format {from[0]}, and this version of Strata reads format {Format}.");
        int error = BinaryPrimitives.ReadUInt16LittleEndian(from[20..]), at = HeadBytes + error;
        var backoff = new TimeSpan[from[at..][0]];
        at++;
        for (int i = 0; i < backoff.Length; i++, at += sizeof(ulong)) backoff[i] = TimeSpan.FromMilliseconds(Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(from[at..]), MaxBackoffMilliseconds));
        var keys = new ReadOnlyMemory<byte>[from[at..][0]];
        at++;
        for (int i = 0; i < keys.Length; i++)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(from[at..]);
            if (length == 0 || length > KvLimits.Deno.MaxKeyBytes) throw new InvalidDataException($"A message of a queue names a key of {length} bytes.");
            keys[i] = bytes.Slice(at + sizeof(ushort), length);
            at += sizeof(ushort) + length;
        }

        if (from[1] is 0 or > (byte)KvEncoding.Bytes) throw new InvalidDataException($"A message of a queue has a value of the encoding {from[1]}, which there is not.");
        long givenUp = BinaryPrimitives.ReadInt64LittleEndian(from[12..]);
        return new QueueRecord
        {
            Value = new KvValue(bytes[at..], (KvEncoding)from[1]),
            Deliveries = BinaryPrimitives.ReadUInt16LittleEndian(from[2..]),
            Enqueued = DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64LittleEndian(from[4..])),
            GivenUp = givenUp == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(givenUp),
            Error = Encoding.UTF8.GetString(from.Slice(HeadBytes, error)),
            Backoff = backoff,
            KeysIfUndelivered = keys,
        };
    }
}
