using System.Buffers;

namespace Strata;

/// <summary>A blob whose stream fails with kind Timeout where it makes no progress for a time.</summary>
/// <remarks>
/// A piece is read into memory of its own: a read that was given up may yet write there, when the caller's is in use for something
/// else. Stream and result below are disposed when nobody uses them any more: neither the caller nor such a read.
/// </remarks>
internal sealed class TimedResult(BlobReadResult inner, TimedReads reads, TimeSpan limit) : BlobReadResult
{
    private const int PieceBytes = 128 << 10;
    private Stream? _stream;
    private byte[]? _piece;
    private int _users = 1;
    private bool _isDisposed;

    public override BlobReadStatus Status => inner.Status;

    public override BlobInfo Info => inner.Info;

    public override long Offset => inner.Offset;

    public override long Length => inner.Length;

    public override string Source => inner.Source;

    public override bool TryGetSequence(out ReadOnlySequence<byte> sequence) => inner.TryGetSequence(out sequence);

    public override Stream OpenStream()
    {
        _stream = inner.OpenStream();
        return new TimedStream(this);
    }

    public override async ValueTask DisposeAsync()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            await ReleaseAsync().ConfigureAwait(false);
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask<int> ReadPieceAsync(Memory<byte> piece, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _users);
        try
        {
            return await _stream!.ReadAsync(piece, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await ReleaseAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask ReleaseAsync()
    {
        if (Interlocked.Decrement(ref _users) > 0) return;
        if (_stream is not null) await _stream.DisposeAsync().ConfigureAwait(false);
        if (_piece is not null) ArrayPool<byte>.Shared.Return(_piece);
        await inner.DisposeAsync().ConfigureAwait(false);
    }

    private sealed class TimedStream(TimedResult result) : ReadOnlyStream
    {
        private bool _isReading;

        /// <summary>Reads without a limit: a caller's thread cannot be called back.</summary>
        public override int Read(Span<byte> buffer) => result._stream!.Read(buffer);

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            ObjectDisposedException.ThrowIf(result._isDisposed, this);
            if (_isReading) throw new InvalidOperationException($"A read of the stream of '{result.Info.Key}' has not ended, or failed; open the blob again.");
            _isReading = true;
            byte[] own = result._piece ??= ArrayPool<byte>.Shared.Rent(PieceBytes);
            Memory<byte> piece = own.AsMemory(0, Math.Min(own.Length, buffer.Length));
            int read = await result.ReadInTimeAsync(piece, cancellationToken).ConfigureAwait(false);
            _isReading = false;
            piece[..read].CopyTo(buffer);
            return read;
        }
    }

    private ValueTask<int> ReadInTimeAsync(Memory<byte> piece, CancellationToken cancellationToken) =>
        reads.RunAsync(limit, Info.Key, token => ReadPieceAsync(piece, token), null, cancellationToken);
}
