using System.Buffers;
using System.Text;

namespace Strata;

/// <summary>
/// One array with a key in UTF-8 and, behind it, the payload: exact-size, never pooled, and not written to any more once
/// it is in the store. Together they take one header, and a look-up that compares the key has fetched the first bytes.
/// </summary>
internal readonly struct MemoryPayload
{
    /// <summary>The longest payload, in bytes.</summary>
    public static readonly int MaxLength = Array.MaxLength - BlobKey.MaxBytes;

    private MemoryPayload(byte[] bytes, int keyLength)
    {
        Bytes = bytes;
        KeyLength = keyLength;
    }

    public byte[] Bytes { get; }

    public int KeyLength { get; }

    public int Length => Bytes.Length - KeyLength;

    public Span<byte> Span => Bytes.AsSpan(KeyLength);

    /// <summary>What it takes on the heap.</summary>
    public long HeapBytes => HeapSize.OfBytes(Bytes.Length);

    /// <summary>Room for a payload of this many bytes, to be filled.</summary>
    public static MemoryPayload Allocate(BlobKey key, int length)
    {
        int keyLength = key.ByteCount;
        byte[] bytes = GC.AllocateUninitializedArray<byte>(keyLength + length);
        Encoding.UTF8.GetBytes(key.Value, bytes);
        return new MemoryPayload(bytes, keyLength);
    }

    public static MemoryPayload Of(BlobKey key, ReadOnlySpan<byte> value)
    {
        MemoryPayload payload = Allocate(key, value.Length);
        value.CopyTo(payload.Span);
        return payload;
    }

    public static MemoryPayload Of(BlobKey key, in ReadOnlySequence<byte> value)
    {
        MemoryPayload payload = Allocate(key, (int)value.Length);
        value.CopyTo(payload.Span);
        return payload;
    }

    /// <summary>The payload of a blob that is in the store, for another entry of the same key.</summary>
    public static MemoryPayload Shared(byte[] bytes, int keyLength) => new(bytes, keyLength);
}
