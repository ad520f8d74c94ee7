using System.Buffers;

namespace Strata;

/// <summary>A blob of the log, or a part of one. Bytes are served without a copy, from the log or from a buffer, which are given back when it is disposed.</summary>
/// <param name="head">The blob's metadata.</param>
/// <param name="entry">The entry with the payload, or a copy of it; from now on the result's own.</param>
/// <param name="at">Where in the entry's value the bytes served begin.</param>
/// <param name="offset">First byte served.</param>
/// <param name="length">Bytes served.</param>
/// <param name="source">The store's name.</param>
internal sealed class DiskLogResult(DiskBlobHead head, LogEntry entry, int at, long offset, long length, string source) : BlobReadResult
{
    private readonly DiskLogBytes _bytes = new(entry, at, (int)length);
    private BlobInfo? _info;

    public override BlobInfo Info => _info ??= head.Read();

    public override long Offset => offset;

    public override long Length => length;

    public override string Source => source;

    public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
    {
        sequence = new ReadOnlySequence<byte>(_bytes.Memory);
        return true;
    }

    public override Stream OpenStream() => new Reader(_bytes);

    public override ValueTask DisposeAsync()
    {
        _bytes.Close();
        return base.DisposeAsync();
    }

    private sealed class Reader(DiskLogBytes bytes) : ReadOnlyStream
    {
        private int _position;

        public override int Read(Span<byte> buffer) => bytes.CopyTo(buffer, ref _position);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken) : new(Read(buffer.Span));
    }
}
