using System.Diagnostics.CodeAnalysis;

namespace Strata;

/// <summary>
/// Uploads in parts: their parts are kept by a home, as its own uploads. As nobody knows how long they become, they begin where a stream of
/// unknown length goes; completed, a blob that belongs elsewhere by its length is moved there.
/// </summary>
/// <remarks>
/// An upload's id is the home's with the home's mark behind it: whoever brings the id asks one tier alone, and one that is out costs its
/// own uploads. Which tiers the caller has named is a row of the index.
/// </remarks>
internal sealed class ExclusiveUploads(ExclusiveBlobStore store, HomeTier[] homes, PlacementIndex index) : IMultipartUploads
{
    public async ValueTask<MultipartUpload> CreateAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        UploadLimits.CheckCreate(store.Capabilities, key, options);
        HomeTier home = store.HomesFor(key, options, options?.DeclaredLength).FirstOrDefault(home => home.Uploads is not null)
            ?? throw StorageException.Unsupported("upload", key, store.Capabilities.Store, "an upload in parts to the tiers that it may go to");
        WriteOptions below = (options ?? new WriteOptions()) with { Tier = null, SkipTiers = null, OnlyTiers = null };
        MultipartUpload begun = Outward(home, await InAsync(home, key, "upload", uploads => uploads.CreateAsync(key, below, cancellationToken)).ConfigureAwait(false));

        // A row that a crash leaves out is that of an upload of which nobody has heard.
        if (options is { Tier: not null } or { SkipTiers: not null } or { OnlyTiers: not null }) await index.CommitAsync([index.Wish(begun.Id, options)], cancellationToken).ConfigureAwait(false);
        return begun;
    }

    public async ValueTask<MultipartUpload?> FindAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        if (!TryFind(uploadId, out HomeTier? home, out string? id)) return null;
        return await InAsync(home, key, "upload", uploads => uploads.FindAsync(key, id, cancellationToken)).ConfigureAwait(false) is { } found ? Outward(home, found) : null;
    }

    public async ValueTask<IBlobWriter?> OpenPartAsync(BlobKey key, string uploadId, int number, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        UploadLimits.CheckNumber(number);
        return TryFind(uploadId, out HomeTier? home, out string? id) ? await InAsync(home, key, "upload", uploads => uploads.OpenPartAsync(key, id, number, cancellationToken)).ConfigureAwait(false) : null;
    }

    public async ValueTask<IReadOnlyList<UploadedPart>?> ListPartsAsync(BlobKey key, string uploadId, int after = 0, int limit = 1000, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "list", cancellationToken);
        UploadLimits.CheckPage(after, limit);
        return TryFind(uploadId, out HomeTier? home, out string? id) ? await InAsync(home, key, "list", uploads => uploads.ListPartsAsync(key, id, after, limit, cancellationToken)).ConfigureAwait(false) : null;
    }

    /// <inheritdoc/>
    /// <remarks>Asks every tier: a listing without those of one that is out would be wrong.</remarks>
    public async ValueTask<IReadOnlyList<MultipartUpload>> ListUploadsAsync(UploadListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using OperationGate.Pass pass = store.Enter("list");
        request.Validate();
        var found = new List<MultipartUpload>();
        foreach (HomeTier home in homes.Where(home => home.Uploads is not null))
        {
            // Ids sort by what is before the mark: it begins with the time.
            UploadListRequest below = request with { AfterId = request.AfterId is { } after && TryFind(after, out _, out string? id) ? id : request.AfterId };
            found.AddRange((await home.Uploads!.ListUploadsAsync(below, cancellationToken).ConfigureAwait(false)).Select(upload => Outward(home, upload)));
        }

        return [.. found.Where(request.Shows).OrderBy(upload => upload.Key).ThenBy(upload => upload.Id, StringComparer.Ordinal).Take(request.Limit)];
    }

    public async ValueTask<CompleteResult> CompleteAsync(
        BlobKey key, string uploadId, IReadOnlyList<PartReference> parts, CompleteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "complete", cancellationToken);
        UploadLimits.CheckComplete(store.Capabilities, key, parts, options);
        if (!TryFind(uploadId, out HomeTier? home, out string? id)) return new CompleteResult(CompleteStatus.Missing);
        WriteOptions? wish = await index.FindWishAsync(uploadId, cancellationToken).ConfigureAwait(false);
        CompleteResult completed = await store.CompleteAsync(home, key, id, parts, options, cancellationToken).ConfigureAwait(false);
        if (completed.Status != CompleteStatus.Completed) return completed;
        if (wish is not null) await ForgetAsync(uploadId).ConfigureAwait(false);
        return completed with { Info = await store.TakeHomeAsync(completed.Info!, wish, cancellationToken).ConfigureAwait(false) };
    }

    public async ValueTask<bool> AbortAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "abort", cancellationToken);
        if (!TryFind(uploadId, out HomeTier? home, out string? id) || !await InAsync(home, key, "abort", uploads => uploads.AbortAsync(key, id, cancellationToken)).ConfigureAwait(false)) return false;
        if (await index.FindWishAsync(uploadId, CancellationToken.None).ConfigureAwait(false) is not null) await ForgetAsync(uploadId).ConfigureAwait(false);
        return true;
    }

    private static MultipartUpload Outward(HomeTier home, MultipartUpload upload) => upload with { Id = upload.Id + home.UploadSuffix };

    /// <summary>The home that an id is of, and the home's own id.</summary>
    private bool TryFind(string uploadId, [NotNullWhen(true)] out HomeTier? home, [NotNullWhen(true)] out string? id)
    {
        ArgumentNullException.ThrowIfNull(uploadId);
        home = Array.Find(homes, home => home.Uploads is not null && uploadId.EndsWith(home.UploadSuffix, StringComparison.Ordinal));
        id = home is null ? null : uploadId[..^home.UploadSuffix.Length];
        return home is not null;
    }

    private static async ValueTask<T> InAsync<T>(HomeTier home, BlobKey key, string operation, Func<IMultipartUploads, ValueTask<T>> call)
    {
        try
        {
            return await call(home.Uploads!).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            home.NoteError(e, operation, key);
            throw home.Named(e, operation, key);
        }
    }

    /// <summary>The upload is over, and its caller is told so whatever becomes of its row: that goes by itself.</summary>
    private async ValueTask ForgetAsync(string uploadId)
    {
        try
        {
            await index.CommitAsync([index.Unwish(uploadId)], CancellationToken.None).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            store.LogLeft(e, uploadId);
        }
    }
}
