using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Uploads in parts of a disk store: an entry for the upload, and for each part one, its bytes in a file of its own. A
/// completion makes the files the blob's, and moves none.
/// </summary>
/// <remarks>
/// <para><b>Commit points:</b> those of the log. Whatever is committed for an upload expects its entry to be there still,
/// so that a part, a completion, an abort and a sweep never meet.</para>
/// <para>Parts that a completion does not name, and those of an upload that was aborted, are removed after it, and at the
/// next opening where a crash came in between. Ids that callers give are looked up in memory and go nowhere else.</para>
/// </remarks>
internal sealed partial class DiskUploads(DiskBlobStore store, LogEngine log, ValueFiles values, TimeProvider clock, TimeSpan expiry, ILogger logger) : IMultipartUploads
{
    private readonly ConcurrentDictionary<string, DiskUpload> _uploads = new(StringComparer.Ordinal);

    /// <summary>Uploads that are over, and of which there are parts.</summary>
    private readonly HashSet<string> _left = new(StringComparer.Ordinal);

    public async ValueTask<MultipartUpload> CreateAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        UploadLimits.CheckCreate(store.Capabilities, key, options);

        // The version keeps the order of the beginnings, over restarts too; the rest cannot be guessed.
        BlobVersion version = store.NextVersion();
        string id = version + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        var upload = new DiskUpload(id, NewBlob.Describe(key, 0, 0, options, null, null, version, clock.GetUtcNow()));
        using DiskChange change = store.NewChange();
        change.Added = DiskRecord.PutUpload(change.Batch, upload.Name, upload.Session);
        await store.TryCommitAsync(change, "upload", key).ConfigureAwait(false);
        _uploads[id] = upload;
        return upload.Describe();
    }

    public ValueTask<MultipartUpload?> FindAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        return new(UnderWay(key, uploadId)?.Describe());
    }

    public ValueTask<IBlobWriter?> OpenPartAsync(BlobKey key, string uploadId, int number, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        UploadLimits.CheckNumber(number);
        if (UnderWay(key, uploadId) is not { } upload) return new((IBlobWriter?)null);
        return new(new DiskBlobWriter(store, values, key, null, inFile: true, (payload, commit) => KeepAsync(upload, number, payload, commit)));
    }

    public ValueTask<IReadOnlyList<UploadedPart>?> ListPartsAsync(BlobKey key, string uploadId, int after = 0, int limit = 1000, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "list", cancellationToken);
        UploadLimits.CheckPage(after, limit);
        if (UnderWay(key, uploadId) is not { } upload) return new((IReadOnlyList<UploadedPart>?)null);
        var parts = new List<UploadedPart>();
        foreach (int number in NumbersOf(upload.Id, after))
        {
            if (parts.Count == limit) break;
            if (Find(upload, number) is { } part) parts.Add(part.Describe());
        }

        return new(parts);
    }

    public ValueTask<IReadOnlyList<MultipartUpload>> ListUploadsAsync(UploadListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using OperationGate.Pass pass = store.Enter("list");
        request.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        return new([.. _uploads.Values.Where(u => !u.HasEnded && !IsExpired(u)).Select(u => u.Describe()).Where(request.Shows)
            .OrderBy(u => u.Key).ThenBy(u => u.Id, StringComparer.Ordinal).Take(request.Limit)]);
    }

    public async ValueTask<CompleteResult> CompleteAsync(
        BlobKey key, string uploadId, IReadOnlyList<PartReference> parts, CompleteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "complete", cancellationToken);
        UploadLimits.CheckComplete(store.Capabilities, key, parts, options);
        if (UnderWay(key, uploadId) is not { } upload || !upload.TryEnter(IsExpired)) return new CompleteResult(CompleteStatus.Missing);
        try
        {
            return await Task.Run(() => CompleteAsync(upload, parts, options), CancellationToken.None).ConfigureAwait(false);
        }
        catch (StorageException e) when (e.Outcome == WriteOutcome.Unknown)
        {
            // The next opening will tell whether it is a blob by now; until then nobody may touch the parts.
            End(upload);
            throw;
        }
        finally
        {
            upload.Leave();
        }
    }

    public async ValueTask<bool> AbortAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "abort", cancellationToken);
        return UnderWay(key, uploadId) is { } upload && await TryAbortAsync(upload, "abort").ConfigureAwait(false);
    }

    /// <summary>True if the upload is there and has not ended.</summary>
    public bool IsUnderWay(string uploadId) => _uploads.TryGetValue(uploadId, out DiskUpload? upload) && !upload.HasEnded;

    /// <summary>Takes up the uploads that were found when the store was opened.</summary>
    public void Load(DiskInventory found)
    {
        var damaged = new HashSet<string>(StringComparer.Ordinal);
        foreach (byte[] name in found.Uploads)
        {
            (BlobKey key, string id) = DiskKey.ToUpload(name);
            try
            {
                if (!log.TryRead(name, out LogEntry entry)) continue;
                using (entry) _uploads[id] = new DiskUpload(id, DiskRecord.Read(key, entry.Head.Span, 0, 0));
            }
            catch (Exception e) when (DiskBlobStore.IsDamage(e))
            {
                logger.LogError(e, "An upload of '{Key}' is damaged; it is missing, and its parts stay", key);
                damaged.Add(id);
            }
        }

        foreach (byte[] name in found.Parts)
        {
            (string id, int number) = DiskKey.ToPart(name);
            if (_uploads.TryGetValue(id, out DiskUpload? upload))
            {
                if (Find(upload, number) is { } part) upload.Keep(part.Info, null);
            }
            else if (!damaged.Contains(id))
            {
                _left.Add(id);
            }
        }
    }

    /// <summary>Removes the parts that a crash left of uploads that were over.</summary>
    public async ValueTask DropLeftAsync()
    {
        foreach (string id in _left.ToArray())
        {
            if (await TryDropPartsAsync(id).ConfigureAwait(false)) _left.Remove(id);
        }
    }

    /// <summary>Removes uploads that nobody touched for the expiry.</summary>
    public async ValueTask SweepAsync()
    {
        await DropLeftAsync().ConfigureAwait(false);
        foreach (DiskUpload upload in _uploads.Values)
        {
            if (!IsExpired(upload) || !upload.TryExpire(IsExpired)) continue;
            try
            {
                await TryAbortAsync(upload, "expire").ConfigureAwait(false);
                logger.LogInformation("An upload of '{Key}' that nobody touched since {Touched} was removed", upload.Key, upload.Touched);
            }
            catch (StorageException e)
            {
                upload.Reopen();
                logger.LogWarning(e, "Cannot remove an abandoned upload of '{Key}'; it stays invisible", upload.Key);
            }
        }
    }
}
