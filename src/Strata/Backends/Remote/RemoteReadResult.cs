using System.Buffers;

namespace Strata;

/// <summary>A blob that was read: small ones whole in memory, others as the body of an answer.</summary>
internal sealed class RemoteReadResult : BlobReadResult
{
    private readonly byte[]? _bytes;
    private readonly RemoteBodyStream? _stream;
    private int _opened;

    public RemoteReadResult(BlobInfo info, string source, long offset, byte[] bytes)
    {
        (Info, Source, Offset, Length, _bytes) = (info, source, offset, bytes.Length, bytes);
    }

    public RemoteReadResult(BlobInfo info, string source, RemoteBodyStream stream)
    {
        (Info, Source, Offset, Length, _stream) = (info, source, stream.Offset, stream.BodyLength, stream);
    }

    public override BlobInfo Info { get; }

    public override string Source { get; }

    public override long Offset { get; }

    public override long Length { get; }

    public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
    {
        sequence = _bytes is null ? default : new ReadOnlySequence<byte>(_bytes);
        return _bytes is not null;
    }

    public override Stream OpenStream()
    {
        if (_bytes is not null) return new MemoryStream(_bytes, writable: false);
        if (Interlocked.Exchange(ref _opened, 1) != 0) throw new InvalidOperationException("The body of a remote blob is one stream; read the blob again for another.");
        return _stream!;
    }

    public override async ValueTask DisposeAsync()
    {
        if (_stream is not null) await _stream.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }
}
