using System.Buffers;

namespace Strata;

/// <summary>A blob, or a range of one, whose payload lies in parts; keeps their files until it is disposed.</summary>
internal sealed class DiskComposedResult(
    BlobInfo info, DiskParts.Lease lease, DiskUploadFiles files, long offset, long length, string source, ArrayPool<byte> buffers) : BlobReadResult
{
    private DiskComposedStream? _stream;

    public override BlobInfo Info => info;

    public override long Offset => offset;

    public override long Length => length;

    public override string Source => source;

    public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
    {
        sequence = default;
        return false;
    }

    public override Stream OpenStream()
    {
        if (_stream is not null) throw new InvalidOperationException("The stream of this result was opened before; read the blob again for another.");
        return _stream = new DiskComposedStream(lease.Parts, files, offset, length, source, buffers);
    }

    public override async ValueTask DisposeAsync()
    {
        if (_stream is not null) await _stream.DisposeAsync().ConfigureAwait(false);

        // The last reader of a blob that is gone removes its files.
        await Task.Run(lease.Dispose).ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }
}
