using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>
/// Uploads in parts of a disk store: a folder each, a file a part. A completion writes a manifest that lists the parts,
/// and moves none of them.
/// </summary>
/// <remarks>
/// <para><b>Commit points:</b> of an upload the rename of its session file, of a part that of its file, of a completion that
/// of the manifest, of an abort the removal of the session file; each flushed as the store's durability says.</para>
/// <para>What changes an upload runs under the lock of its key, so that a part, a completion, an abort and a sweep never
/// meet. Ids that callers give are looked up in memory and never become a path.</para>
/// </remarks>
internal sealed class DiskUploads(DiskBlobStore store, DiskFolder folder, DiskUploadFiles files, KeyLocks locks, TimeProvider clock, TimeSpan expiry, ILogger log) : IMultipartUploads
{
    private readonly ConcurrentDictionary<string, DiskUpload> _uploads = new(StringComparer.Ordinal);

    public async ValueTask<MultipartUpload> CreateAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "upload", cancellationToken);
        UploadLimits.CheckCreate(store.Capabilities, key, options);
        return await Task.Run(() => Create(key, options), CancellationToken.None).ConfigureAwait(false);
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
        return new(new DiskBlobWriter(store, folder, key, null, null, (writer, commit, token) => CommitPartAsync(upload, number, writer, commit, token)));
    }

    public ValueTask<IReadOnlyList<UploadedPart>?> ListPartsAsync(BlobKey key, string uploadId, int after = 0, int limit = 1000, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "list", cancellationToken);
        UploadLimits.CheckPage(after, limit);
        return new(UnderWay(key, uploadId)?.List(after, limit));
    }

    public ValueTask<IReadOnlyList<MultipartUpload>> ListUploadsAsync(UploadListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using OperationGate.Pass pass = store.Enter("list");
        request.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        return new([.. _uploads.Values.Where(IsUnderWay).Select(u => u.Describe()).Where(request.Shows)
            .OrderBy(u => u.Key).ThenBy(u => u.Id, StringComparer.Ordinal).Take(request.Limit)]);
    }

    public async ValueTask<CompleteResult> CompleteAsync(
        BlobKey key, string uploadId, IReadOnlyList<PartReference> parts, CompleteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "complete", cancellationToken);
        UploadLimits.CheckComplete(store.Capabilities, key, parts, options);
        using KeyLocks.Held held = await locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        if (UnderWay(key, uploadId) is not { } upload) return new CompleteResult(CompleteStatus.Missing);
        return await Task.Run(() => Complete(upload, parts, options), CancellationToken.None).ConfigureAwait(false);
    }

    public async ValueTask<bool> AbortAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = store.Enter(key, "abort", cancellationToken);
        using KeyLocks.Held held = await locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        if (UnderWay(key, uploadId) is not { } upload) return false;
        await Task.Run(() => Abort(upload), CancellationToken.None).ConfigureAwait(false);
        return true;
    }

    /// <summary>Takes up an upload that was found when the store was opened.</summary>
    public void Add(DiskUpload upload) => _uploads[upload.Id] = upload;

    /// <summary>Removes the uploads that nobody touched for the expiry.</summary>
    public void Sweep()
    {
        foreach (DiskUpload upload in _uploads.Values.Where(IsExpired))
        {
            // Whoever holds the key may be about to touch the upload; the next sweep looks again.
            if (!locks.TryEnter(upload.Key, out KeyLocks.Held held)) continue;
            using (held)
            {
                if (upload.HasEnded || !IsExpired(upload)) continue;
                try
                {
                    Abort(upload);
                    log.LogInformation("An upload of '{Key}' that nobody touched since {Touched} was removed", upload.Key, upload.Touched);
                }
                catch (StorageException e)
                {
                    log.LogWarning(e, "Cannot remove an abandoned upload of '{Key}'; it stays invisible", upload.Key);
                }
            }
        }
    }

    private MultipartUpload Create(BlobKey key, WriteOptions? options)
    {
        // The version keeps the order of the beginnings, over restarts too; the rest cannot be guessed.
        BlobVersion version = store.NextVersion();
        string id = version + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        BlobInfo session = NewBlob.Describe(key, 0, 0, options, null, null, version, clock.GetUtcNow());
        DiskBlobWriter writer = store.NewWriter(key, null, null);
        try
        {
            files.Create(id);
            var file = writer.Finish(DiskBlobMetadata.From(session) with { Upload = id }, DiskFileKind.Session, store.NextSequence());
            folder.Flush(file.Handle);
            long claimed = store.MakeRoom(key, file.Bytes);
            store.Place(file.Path, files.SessionOf(id), key, claimed);
            store.Settle(claimed, file.Bytes);
            var upload = new DiskUpload(id, session, file.Bytes);
            _uploads[id] = upload;
            return upload.Describe();
        }
        catch (Exception e)
        {
            files.TryRemove(id);
            if (DiskErrors.IsDiskError(e)) throw store.Error(e, "upload", key);
            throw;
        }
        finally
        {
            writer.Abandon();
        }
    }

    private async ValueTask<WriteResult> CommitPartAsync(DiskUpload upload, int number, DiskBlobWriter writer, CommitOptions? commit, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = store.Enter("write");
        NewBlob.Verify(upload.Key, store.Capabilities.Store, writer.Length, writer.Checksum, null, null, commit);
        try
        {
            // Flushed ahead of the lock, so that parts that come side by side are flushed side by side.
            FinishedFile file = default;
            DiskUploadedPart part = await Task.Run(() => Finish(upload, number, writer, commit, out file), cancellationToken).ConfigureAwait(false);
            using KeyLocks.Held held = await locks.EnterAsync(upload.Key, cancellationToken).ConfigureAwait(false);
            return await Task.Run(() => Keep(upload, part, file), CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw store.Error(e, "write", upload.Key);
        }
        finally
        {
            writer.Abandon();
        }
    }

    private DiskUploadedPart Finish(DiskUpload upload, int number, DiskBlobWriter writer, CommitOptions? commit, out FinishedFile file)
    {
        BlobInfo info = NewBlob.Describe(upload.Key, writer.Length, writer.Checksum, null, commit, null, store.NextVersion(), clock.GetUtcNow());
        ulong sequence = store.NextSequence();
        file = writer.Finish(DiskBlobMetadata.From(info) with { Upload = upload.Id, Part = number }, DiskFileKind.Part, sequence);
        folder.Flush(file.Handle);
        return new DiskUploadedPart(number, info, sequence, file.Bytes);
    }

    /// <summary>Puts a finished part in its place, under the key's lock.</summary>
    private WriteResult Keep(DiskUpload upload, DiskUploadedPart part, FinishedFile file)
    {
        if (!IsUnderWay(upload)) return WriteResult.Missing;
        DiskUploadedPart? replaced = upload.Find(part.Number);
        if (replaced is null || replaced.Sequence < part.Sequence)
        {
            long claimed = store.MakeRoom(upload.Key, part.FileBytes, freed: replaced?.FileBytes ?? 0);
            store.Place(file.Path, files.PartOf(upload.Id, part.Number, part.Sequence), upload.Key, claimed);
            upload.Keep(part);
            store.Settle(claimed, part.FileBytes - (replaced?.FileBytes ?? 0));
            if (replaced is not null) folder.TryRemove(files.PartOf(upload.Id, replaced.Number, replaced.Sequence));
        }

        // Else one that was finished later came first: it has replaced this one already.
        return WriteResult.Written(part.Info, store.Capabilities.Store);
    }

    private CompleteResult Complete(DiskUpload upload, IReadOnlyList<PartReference> references, CompleteOptions? options)
    {
        if (upload.Select(references, out int invalid) is not { } named) return new CompleteResult(CompleteStatus.InvalidPart, null, invalid);
        uint checksum = 0;
        foreach (DiskPart part in named) checksum = Crc32C.Combine(checksum, part.Checksum, part.Length);
        var parts = new DiskParts(upload.Key, upload.Id, named, files.RemoveUnused);
        WriteResult written;
        try
        {
            written = store.Commit(parts, checksum, upload, options);
        }
        catch (StorageException e) when (e.Outcome == WriteOutcome.Unknown)
        {
            // The next opening will tell whether the manifest is there; until then nobody may touch the parts that it names.
            Drop(upload);
            throw;
        }

        if (!written.IsWritten) return new CompleteResult(CompleteStatus.PreconditionFailed, written.Info);
        Drop(upload);
        files.TryEndSession(parts);
        foreach (DiskUploadedPart part in upload.Except(named)) folder.TryRemove(files.PartOf(upload.Id, part.Number, part.Sequence));
        return new CompleteResult(CompleteStatus.Completed, written.Info);
    }

    private void Abort(DiskUpload upload)
    {
        try
        {
            files.EndSession(upload.Id);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            if (files.HasSession(upload.Id)) throw store.Error(e, "abort", upload.Key);

            // Removed, but the flush failed: it is over here; a power cut may bring it back, whole.
            Drop(upload);
            throw store.Error(e, "abort", upload.Key, WriteOutcome.Unknown);
        }

        Drop(upload);
        store.Settle(0, -upload.FileBytes);
        files.TryRemove(upload.Id);
    }

    private void Drop(DiskUpload upload)
    {
        upload.HasEnded = true;
        _uploads.TryRemove(upload.Id, out _);
    }

    private DiskUpload? UnderWay(BlobKey key, string uploadId)
    {
        ArgumentNullException.ThrowIfNull(uploadId);
        return _uploads.TryGetValue(uploadId, out DiskUpload? upload) && upload.Key == key && IsUnderWay(upload) ? upload : null;
    }

    private bool IsUnderWay(DiskUpload upload) => !upload.HasEnded && !IsExpired(upload);

    private bool IsExpired(DiskUpload upload) => clock.GetUtcNow() - upload.Touched >= expiry;
}
