namespace Strata;

/// <summary>Streams a blob to the origin; its key is fenced at the commit alone.</summary>
internal sealed class TieredBlobWriter(TieredBlobStore store, BlobKey key, WriteOptions? options, IBlobWriter atOrigin) : IBlobWriter
{
    public long Length => atOrigin.Length;

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => atOrigin.WriteAsync(bytes, cancellationToken);

    public ValueTask<WriteResult> CommitAsync(CommitOptions? commit, CancellationToken cancellationToken) =>
        store.CommitAsync(key, atOrigin, options, commit, cancellationToken);

    public ValueTask DisposeAsync() => atOrigin.DisposeAsync();
}
