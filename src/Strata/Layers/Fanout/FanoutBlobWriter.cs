namespace Strata;

/// <summary>Gathers a streamed blob until its commit sends it to the layers.</summary>
internal sealed class FanoutBlobWriter(FanoutBlobStore store, BlobKey key, WriteOptions? options) : IBlobWriter
{
    private readonly HeldContent.Spool _spool = new();
    private bool _isEnded;

    public long Length => _spool.Length;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isEnded, this);
        cancellationToken.ThrowIfCancellationRequested();
        if (_spool.Length + bytes.Length > store.Capabilities.MaxBlobLength) throw store.TooLong(key);
        await _spool.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<WriteResult> CommitAsync(CommitOptions? commit, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = store.Enter(key, "write", cancellationToken);
        if (_isEnded) throw new InvalidOperationException("The writer was committed or disposed already.");
        _isEnded = true;
        using HeldContent held = await _spool.ToContentAsync().ConfigureAwait(false);
        return await store.CommitAsync(key, held, options, commit, null, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync()
    {
        _isEnded = true;
        return _spool.DisposeAsync();
    }
}
