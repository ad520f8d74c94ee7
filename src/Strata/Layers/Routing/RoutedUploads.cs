namespace Strata;

/// <summary>Uploads in parts, each in the mount that its key belongs to. A mount whose store takes none refuses to begin one, and has none.</summary>
internal sealed class RoutedUploads(RoutedBlobStore store, MountTable table) : IMultipartUploads
{
    public async ValueTask<MultipartUpload> CreateAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        MountedStore mount = store.MountOf(key, "upload");
        if (mount.Uploads is not { } uploads) throw mount.Named(StorageException.Unsupported("upload", key, mount.Store.Capabilities.Store, "uploads in parts"));
        return await mount.CallAsync(() => uploads.CreateAsync(key, options, cancellationToken)).ConfigureAwait(false);
    }

    public async ValueTask<MultipartUpload?> FindAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        return Find(key) is var (mount, uploads) ? await mount.CallAsync(() => uploads.FindAsync(key, uploadId, cancellationToken)).ConfigureAwait(false) : null;
    }

    public async ValueTask<IBlobWriter?> OpenPartAsync(BlobKey key, string uploadId, int number, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        UploadLimits.CheckNumber(number);
        if (Find(key) is not var (mount, uploads)) return null;
        return await mount.CallAsync(() => uploads.OpenPartAsync(key, uploadId, number, cancellationToken)).ConfigureAwait(false) is { } writer ? new RoutedBlobWriter(store, mount, writer) : null;
    }

    public async ValueTask<IReadOnlyList<UploadedPart>?> ListPartsAsync(BlobKey key, string uploadId, int after = 0, int limit = 1000, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "list", cancellationToken);
        UploadLimits.CheckPage(after, limit);
        return Find(key) is var (mount, uploads) ? await mount.CallAsync(() => uploads.ListPartsAsync(key, uploadId, after, limit, cancellationToken)).ConfigureAwait(false) : null;
    }

    public async ValueTask<IReadOnlyList<MultipartUpload>> ListUploadsAsync(UploadListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using OperationGate.Pass pass = store.Enter("list");
        request.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        var found = new List<MultipartUpload>();
        string from = request.AfterKey is { } after && BlobKey.CompareText(after, request.Prefix) > 0 ? after : request.Prefix;
        foreach (MountSegment segment in table.Between(from, request.Prefix.Length == 0 ? null : ListPageBuilder.AfterAll(request.Prefix)))
        {
            if (found.Count == request.Limit) break;
            if (segment.Mount is { Uploads: { } uploads } mount) await TakeAsync(mount, uploads, segment, request, found, cancellationToken).ConfigureAwait(false);
        }

        return found;
    }

    public async ValueTask<CompleteResult> CompleteAsync(
        BlobKey key, string uploadId, IReadOnlyList<PartReference> parts, CompleteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "complete", cancellationToken);
        if (Find(key) is var (mount, uploads)) return await mount.CallAsync(() => uploads.CompleteAsync(key, uploadId, parts, options, cancellationToken)).ConfigureAwait(false);
        UploadLimits.CheckComplete(store.Capabilities, key, parts, options);
        return new CompleteResult(CompleteStatus.Missing);
    }

    public async ValueTask<bool> AbortAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "abort", cancellationToken);
        return Find(key) is var (mount, uploads) && await mount.CallAsync(() => uploads.AbortAsync(key, uploadId, cancellationToken)).ConfigureAwait(false);
    }

    private (MountedStore Mount, IMultipartUploads Uploads)? Find(BlobKey key) => table.Find(key) is { Uploads: { } uploads } mount ? (mount, uploads) : null;

    /// <summary>Takes the uploads of one range, as many as there is room for.</summary>
    private static async ValueTask TakeAsync(MountedStore mount, IMultipartUploads uploads, MountSegment segment, UploadListRequest request, List<MultipartUpload> found, CancellationToken cancellationToken)
    {
        string? before = BlobKey.CompareText(segment.From, request.Prefix) <= 0 ? null : ListPager.JustBefore(segment.From);
        UploadListRequest asked = request.AfterKey is { } after && (before is null || BlobKey.CompareText(after, before) > 0) ? request : request with { AfterKey = before, AfterId = null };
        while (found.Count < request.Limit)
        {
            IReadOnlyList<MultipartUpload> page = await mount.CallAsync(() => uploads.ListUploadsAsync(asked, cancellationToken)).ConfigureAwait(false);
            foreach (MultipartUpload upload in page)
            {
                if (!segment.EndsBehind(upload.Key.Value) || found.Count == request.Limit) return;
                if (BlobKey.CompareText(upload.Key.Value, segment.From) >= 0) found.Add(upload);
            }

            if (page.Count < asked.Limit) return;
            asked = asked with { AfterKey = page[^1].Key.Value, AfterId = page[^1].Id };
        }
    }
}
