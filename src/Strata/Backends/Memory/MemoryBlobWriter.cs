using System.Buffers;

namespace Strata;

/// <summary>Gathers a streamed blob in memory, no further than the store's longest blob.</summary>
internal sealed class MemoryBlobWriter(MemoryBlobStore store, BlobKey key, WriteOptions? options, long maxBytes) : IBlobWriter
{
    private readonly ArrayBufferWriter<byte> _gathered = new();
    private bool _closed;

    public long Length => _gathered.WrittenCount;

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        if (Length + bytes.Length > maxBytes) throw store.TooLarge(key, maxBytes);
        _gathered.Write(bytes.Span);
        return default;
    }

    public ValueTask<WriteResult> CommitAsync(CommitOptions? commit, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<WriteResult>(cancellationToken);
        _closed = true;
        return new(store.Commit(key, _gathered.WrittenSpan.ToArray(), options, commit, declared: null));
    }

    public ValueTask DisposeAsync()
    {
        _closed = true;
        return default;
    }
}
