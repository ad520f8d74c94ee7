namespace Strata;

/// <summary>
/// Uploads in parts are the origin's from the beginning: what is long is not sent twice. Their completion is committed there, and
/// waits until the origin has what was written to the key before.
/// </summary>
internal sealed class WriteBackUploads(WriteBackBlobStore store, IMultipartUploads clean) : IMultipartUploads
{
    public async ValueTask<MultipartUpload> CreateAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        return await clean.CreateAsync(key, options, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<MultipartUpload?> FindAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        return await clean.FindAsync(key, uploadId, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IBlobWriter?> OpenPartAsync(BlobKey key, string uploadId, int number, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        return await clean.OpenPartAsync(key, uploadId, number, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<UploadedPart>?> ListPartsAsync(BlobKey key, string uploadId, int after = 0, int limit = 1000, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "list", cancellationToken);
        return await clean.ListPartsAsync(key, uploadId, after, limit, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<MultipartUpload>> ListUploadsAsync(UploadListRequest request, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter("list");
        return await clean.ListUploadsAsync(request, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<CompleteResult> CompleteAsync(
        BlobKey key, string uploadId, IReadOnlyList<PartReference> parts, CompleteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "complete", cancellationToken);
        UploadLimits.CheckComplete(store.Capabilities, key, parts, options);
        return await store.StraightAsync(key, () => clean.CompleteAsync(key, uploadId, parts, options, cancellationToken), result => result.Status == CompleteStatus.Completed ? result.Info : null, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<bool> AbortAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "abort", cancellationToken);
        return await clean.AbortAsync(key, uploadId, cancellationToken).ConfigureAwait(false);
    }
}
