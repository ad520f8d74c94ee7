using System.Buffers;

namespace Strata;

/// <summary>
/// An entry of the memory store, immutable, and itself the read result: a hit hands it out and allocates nothing. Its
/// array is exact-size, never pooled and never rewritten, so it outlives overwrite, delete and eviction.
/// </summary>
internal sealed class MemoryBlob : BlobReadResult
{
    /// <summary>
    /// Bookkeeping a blob: this object, its metadata, its index and order nodes, its array's header. Measured as live bytes
    /// after a full collection, 200,000 blobs of 100 bytes: 470 to 530.
    /// </summary>
    private const int Overhead = 510;

    private readonly byte[] _bytes;
    private readonly BlobInfo _info;

    public MemoryBlob(byte[] bytes, BlobInfo info, string source)
    {
        _bytes = bytes;
        _info = info;
        Source = source;
        ExpiresTicks = info.Expires?.UtcTicks ?? long.MaxValue;
        Size = Overhead + bytes.Length + (2 * info.Key.Value.Length) + SizeOf(info);
        Node = new LinkedListNode<MemoryBlob>(this);
    }

    public override BlobInfo Info => _info;

    public override string Source { get; }

    public override long Length => _bytes.Length;

    /// <summary>Bytes that count against the capacity.</summary>
    public long Size { get; }

    public long ExpiresTicks { get; }

    /// <summary>Its place in the eviction order.</summary>
    public LinkedListNode<MemoryBlob> Node { get; }

    /// <summary>Set by a hit, cleared when the eviction's hand passes (second chance).</summary>
    public bool Visited { get; set; }

    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>Reads the clock only where an expiry is set.</summary>
    public bool IsVisible(TimeProvider clock) => ExpiresTicks == long.MaxValue || clock.GetUtcNow().UtcTicks < ExpiresTicks;

    public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
    {
        sequence = new ReadOnlySequence<byte>(_bytes);
        return true;
    }

    public override Stream OpenStream() => new MemoryStream(_bytes, writable: false);

    /// <summary>The same bytes and metadata, under another write: shares the array.</summary>
    public MemoryBlob With(BlobInfo info) => new(_bytes, info, Source);

    /// <summary>A part of the blob, without a copy.</summary>
    public BlobReadResult Slice(long offset, long length) => new Part(this, offset, length);

    private static int SizeOf(BlobInfo info)
    {
        int size = 2 * ((info.ContentType?.Length ?? 0) + (info.ContentEncoding?.Length ?? 0) + info.ETag.Length);
        foreach ((string name, string value) in info.Metadata) size += 64 + (2 * (name.Length + value.Length));
        return size;
    }

    private sealed class Part(MemoryBlob blob, long offset, long length) : BlobReadResult
    {
        public override BlobInfo Info => blob.Info;

        public override long Offset => offset;

        public override long Length => length;

        public override string Source => blob.Source;

        public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
        {
            sequence = new ReadOnlySequence<byte>(blob._bytes, (int)offset, (int)length);
            return true;
        }

        public override Stream OpenStream() => new MemoryStream(blob._bytes, (int)offset, (int)length, writable: false);
    }
}
