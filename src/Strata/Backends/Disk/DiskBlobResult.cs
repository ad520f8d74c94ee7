using System.Buffers;

namespace Strata;

/// <summary>A short blob, or a short part of one, copied out of the log: its record, then the bytes served. It holds nothing.</summary>
/// <param name="key">The blob's key.</param>
/// <param name="bytes">The record and the bytes.</param>
/// <param name="head">Bytes of the record.</param>
/// <param name="expires">Unix milliseconds; 0 = never.</param>
/// <param name="offset">First byte served.</param>
/// <param name="length">Bytes served.</param>
/// <param name="source">The store's name.</param>
internal sealed class DiskBlobResult(BlobKey key, byte[] bytes, int head, long expires, long offset, long length, string source) : BlobReadResult
{
    private BlobInfo? _info;

    /// <summary>Made when somebody asks: who wants the bytes alone does not pay for it.</summary>
    public override BlobInfo Info => _info ??= DiskRecord.Read(key, bytes.AsSpan(0, head), expires, bytes.Length - head);

    public override long Offset => offset;

    public override long Length => length;

    public override string Source => source;

    /// <summary>Where the bytes served begin: behind the record, or, of a whole payload, further on.</summary>
    private int Start => bytes.Length - head == length ? head : head + (int)offset;

    public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
    {
        sequence = new ReadOnlySequence<byte>(bytes, Start, (int)length);
        return true;
    }

    public override Stream OpenStream() => new MemoryStream(bytes, Start, (int)length, writable: false);
}
