namespace Strata.Testing;

/// <summary>Uploads in parts of a wrapped store, each call of which passes the wrapper's hook.</summary>
internal sealed class HookedUploads(IMultipartUploads inner, ICallHook hook) : IMultipartUploads
{
    public ValueTask<MultipartUpload> CreateAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        hook.RunAsync(StoreOperation.CreateUpload, key, () => inner.CreateAsync(key, options, cancellationToken), cancellationToken);

    public ValueTask<MultipartUpload?> FindAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default) =>
        hook.RunAsync(StoreOperation.FindUpload, key, () => inner.FindAsync(key, uploadId, cancellationToken), cancellationToken);

    public ValueTask<IBlobWriter?> OpenPartAsync(BlobKey key, string uploadId, int number, CancellationToken cancellationToken = default) =>
        hook.RunAsync<IBlobWriter?>(
            StoreOperation.OpenPart,
            key,
            async () => await inner.OpenPartAsync(key, uploadId, number, cancellationToken).ConfigureAwait(false) is { } writer ? hook.Wrap(writer, key, StoreOperation.CommitPart) : null,
            cancellationToken);

    public ValueTask<IReadOnlyList<UploadedPart>?> ListPartsAsync(BlobKey key, string uploadId, int after = 0, int limit = 1000, CancellationToken cancellationToken = default) =>
        hook.RunAsync(StoreOperation.ListParts, key, () => inner.ListPartsAsync(key, uploadId, after, limit, cancellationToken), cancellationToken);

    public ValueTask<IReadOnlyList<MultipartUpload>> ListUploadsAsync(UploadListRequest request, CancellationToken cancellationToken = default) =>
        hook.RunAsync(StoreOperation.ListUploads, default, () => inner.ListUploadsAsync(request, cancellationToken), cancellationToken);

    public ValueTask<CompleteResult> CompleteAsync(
        BlobKey key, string uploadId, IReadOnlyList<PartReference> parts, CompleteOptions? options = null, CancellationToken cancellationToken = default) =>
        hook.RunAsync(StoreOperation.CompleteUpload, key, () => inner.CompleteAsync(key, uploadId, parts, options, cancellationToken), cancellationToken);

    public ValueTask<bool> AbortAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default) =>
        hook.RunAsync(StoreOperation.AbortUpload, key, () => inner.AbortAsync(key, uploadId, cancellationToken), cancellationToken);
}
