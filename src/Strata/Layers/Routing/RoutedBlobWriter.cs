namespace Strata;

/// <summary>Streams a blob into the mount that its key belongs to.</summary>
internal sealed class RoutedBlobWriter(RoutedBlobStore store, MountedStore mount, IBlobWriter inner) : IBlobWriter
{
    public long Length => inner.Length;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await inner.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            throw mount.Named(e);
        }
    }

    public async ValueTask<WriteResult> CommitAsync(CommitOptions? options, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = store.Enter("write");
        return await mount.CallAsync(() => inner.CommitAsync(options, cancellationToken)).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
