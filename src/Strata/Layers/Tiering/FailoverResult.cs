using System.Buffers;

namespace Strata;

/// <summary>
/// A stream from an upper tier that goes on from the origin, at the same byte of the same write, if the upper copy turns
/// out to be damaged or unreadable (CONSISTENCY 11: the first ETag is pinned).
/// </summary>
internal sealed class FailoverResult(BlobReadResult upper, TierCounters origin, Func<Exception, ValueTask> failed) : BlobReadResult
{
    private BlobReadResult _inner = upper;
    private Stream? _stream;

    public override BlobInfo Info { get; } = upper.Info;

    public override long Offset { get; } = upper.Offset;

    public override long Length { get; } = upper.Length;

    public override string Source { get; } = upper.Source;

    public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
    {
        sequence = default;
        return false;
    }

    public override Stream OpenStream()
    {
        _stream = _inner.OpenStream();
        return new FailoverStream(this);
    }

    public override async ValueTask DisposeAsync()
    {
        if (_stream is not null) await _stream.DisposeAsync().ConfigureAwait(false);
        await _inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask SwitchAsync(long position, Exception cause, CancellationToken cancellationToken)
    {
        await failed(cause).ConfigureAwait(false);
        var rest = new ReadOptions { Range = BlobRange.From(Offset + position, Length - position), IfMatch = Info.ETag };
        BlobReadResult? next = await origin.ReadAsync(Info.Key, rest, cancellationToken).ConfigureAwait(false);
        if (next is null || next.Status != BlobReadStatus.Found || !next.Info.IsSameWriteAs(Info))
        {
            if (next is not null) await next.DisposeAsync().ConfigureAwait(false);
            throw new StorageException(StorageErrorKind.Changed, $"The copy of '{Info.Key}' in '{Source}' is damaged, and the origin holds another write by now; read it again.", cause)
            {
                Operation = "read", Key = Info.Key, Store = Source, IsTransient = true,
            };
        }

        await _stream!.DisposeAsync().ConfigureAwait(false);
        await _inner.DisposeAsync().ConfigureAwait(false);
        _inner = next;
        _stream = next.OpenStream();
    }

    private sealed class FailoverStream(FailoverResult result) : ReadOnlyStream
    {
        private long _position;
        private bool _switched;

        /// <summary>Reads without failover, which is asynchronous: a damaged chunk is an error here.</summary>
        public override int Read(Span<byte> buffer)
        {
            int read = result._stream!.Read(buffer);
            _position += read;
            return read;
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (true)
            {
                try
                {
                    int read = await result._stream!.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
                    _position += read;
                    return read;
                }
                catch (StorageException e) when (!_switched)
                {
                    _switched = true;
                    await result.SwitchAsync(_position, e, cancellationToken).ConfigureAwait(false);
                }
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) result._stream?.Dispose();
            base.Dispose(disposing);
        }
    }
}
