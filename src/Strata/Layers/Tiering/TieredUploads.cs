namespace Strata;

/// <summary>
/// Uploads in parts go to the origin as they are: nothing of them is visible before their completion, which is a write of
/// the key like any other (<see cref="TieredBlobStore.CompleteAsync"/>).
/// </summary>
/// <param name="store">The store.</param>
/// <param name="origin">Its origin's uploads.</param>
/// <param name="around">What a store that this one is a part of does around a completion, which it is given; null: nothing.</param>
internal sealed class TieredUploads(TieredBlobStore store, IMultipartUploads origin, TieredUploads.Around? around = null) : IMultipartUploads
{
    /// <summary>Completes an upload.</summary>
    public delegate ValueTask<CompleteResult> Around(
        BlobKey key, IReadOnlyList<PartReference> parts, CompleteOptions? options, Func<ValueTask<CompleteResult>> complete, CancellationToken cancellationToken);

    public async ValueTask<MultipartUpload> CreateAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        UploadLimits.CheckCreate(store.Capabilities, key, options);
        return await origin.CreateAsync(key, store.ForOrigin(key, options), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<MultipartUpload?> FindAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        return await origin.FindAsync(key, uploadId, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IBlobWriter?> OpenPartAsync(BlobKey key, string uploadId, int number, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        return await origin.OpenPartAsync(key, uploadId, number, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<UploadedPart>?> ListPartsAsync(BlobKey key, string uploadId, int after = 0, int limit = 1000, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "list", cancellationToken);
        return await origin.ListPartsAsync(key, uploadId, after, limit, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<MultipartUpload>> ListUploadsAsync(UploadListRequest request, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter("list");
        return await origin.ListUploadsAsync(request, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<CompleteResult> CompleteAsync(
        BlobKey key, string uploadId, IReadOnlyList<PartReference> parts, CompleteOptions? options = null, CancellationToken cancellationToken = default)
    {
        return around is null ? CompleteAsync() : around(key, parts, options, CompleteAsync, cancellationToken);

        ValueTask<CompleteResult> CompleteAsync() => store.CompleteAsync(key, () => origin.CompleteAsync(key, uploadId, parts, options, cancellationToken), cancellationToken);
    }

    public async ValueTask<bool> AbortAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "abort", cancellationToken);
        return await origin.AbortAsync(key, uploadId, cancellationToken).ConfigureAwait(false);
    }
}
