namespace Strata;

/// <summary>A part being written: at its commit an object of the store's own, and nothing if its upload has ended meanwhile.</summary>
/// <param name="store">Where.</param>
/// <param name="inner">Writes the object.</param>
/// <param name="part">The object's key.</param>
/// <param name="key">The upload's key.</param>
/// <param name="isUnderWay">Whether the upload goes on.</param>
internal sealed class RemotePartWriter(RemoteStore store, IBlobWriter inner, BlobKey part, BlobKey key, Func<ValueTask<bool>> isUnderWay) : IBlobWriter
{
    public long Length => inner.Length;

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => inner.WriteAsync(bytes, cancellationToken);

    public async ValueTask<WriteResult> CommitAsync(CommitOptions? options, CancellationToken cancellationToken)
    {
        WriteResult result = await inner.CommitAsync(options, cancellationToken).ConfigureAwait(false);
        if (result.Info is not { } info) return result;

        // An end removes what it finds behind the upload's own removal: what came later finds that itself.
        if (await isUnderWay().ConfigureAwait(false)) return WriteResult.Written(info with { Key = key }, store.Capabilities.Store);
        await store.RemoveOwnAsync([part], CancellationToken.None).ConfigureAwait(false);
        return WriteResult.Missing;
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
