using Strata.Testing;

namespace Strata.Tests;

/// <summary>The uploads of a <see cref="StagedTier"/>.</summary>
internal sealed class StagedUploads(StagedTier tier, IMultipartUploads inner) : IMultipartUploads
{
    public ValueTask<MultipartUpload> CreateAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        tier.RunAsync(StoreOperation.CreateUpload, () => inner.CreateAsync(key, options, cancellationToken));

    public ValueTask<MultipartUpload?> FindAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default) =>
        tier.RunAsync(StoreOperation.FindUpload, () => inner.FindAsync(key, uploadId, cancellationToken));

    public ValueTask<IBlobWriter?> OpenPartAsync(BlobKey key, string uploadId, int number, CancellationToken cancellationToken = default) =>
        tier.RunAsync(StoreOperation.OpenPart, () => inner.OpenPartAsync(key, uploadId, number, cancellationToken));

    public ValueTask<IReadOnlyList<UploadedPart>?> ListPartsAsync(BlobKey key, string uploadId, int after = 0, int limit = 1000, CancellationToken cancellationToken = default) =>
        tier.RunAsync(StoreOperation.ListParts, () => inner.ListPartsAsync(key, uploadId, after, limit, cancellationToken));

    public ValueTask<IReadOnlyList<MultipartUpload>> ListUploadsAsync(UploadListRequest request, CancellationToken cancellationToken = default) =>
        tier.RunAsync(StoreOperation.ListUploads, () => inner.ListUploadsAsync(request, cancellationToken));

    public ValueTask<CompleteResult> CompleteAsync(BlobKey key, string uploadId, IReadOnlyList<PartReference> parts, CompleteOptions? options = null, CancellationToken cancellationToken = default) =>
        tier.RunAsync(StoreOperation.CompleteUpload, () => inner.CompleteAsync(key, uploadId, parts, options, cancellationToken));

    public ValueTask<bool> AbortAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default) =>
        tier.RunAsync(StoreOperation.AbortUpload, () => inner.AbortAsync(key, uploadId, cancellationToken));
}
