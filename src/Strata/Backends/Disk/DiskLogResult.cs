using System.Buffers;

namespace Strata;

/// <summary>A longer blob of the log, or a part of one, where it is. Bytes are served without a copy.</summary>
internal sealed class DiskLogResult(BlobInfo info, LogEntry payload, long offset, long length, string source) : BlobReadResult
{
    private readonly DiskLogBytes _bytes = new(payload, (int)offset, (int)length);

    public override BlobInfo Info => info;

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
        ((IDisposable)_bytes).Dispose();
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
