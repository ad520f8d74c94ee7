using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>How parts come, and uploads end.</content>
internal sealed partial class DiskUploads
{
    private const int DroppedAtOnce = 256, AboveParts = ushort.MaxValue;

    /// <summary>Makes a part that was written the upload's.</summary>
    private async ValueTask<WriteResult> KeepAsync(DiskUpload upload, int number, DiskPayload payload, CommitOptions? commit)
    {
        NewBlob.Verify(upload.Key, store.Capabilities.Store, payload.Length, payload.Checksum, null, null, commit);
        if (!upload.TryEnter(IsExpired)) return WriteResult.Missing;
        try
        {
            BlobInfo info = NewBlob.Describe(upload.Key, payload.Length, payload.Checksum, null, commit, null, store.NextVersion(), clock.GetUtcNow());
            while (true)
            {
                using DiskChange change = store.NewChange();
                if (!TryExpect(change, upload)) return WriteResult.Missing;
                DiskPart? replaced = PreparePart(change, upload, number, info, payload.Files);
                if (!await store.TryCommitAsync(change, "write", upload.Key).ConfigureAwait(false)) continue;
                upload.Keep(info, replaced?.Info.Length);
                return WriteResult.Written(info, store.Capabilities.Store);
            }
        }
        finally
        {
            upload.Leave();
        }
    }

    private DiskPart? PreparePart(DiskChange change, DiskUpload upload, int number, BlobInfo info, ValueReference? file)
    {
        byte[] name = DiskKey.OfPart(upload.Id, number);
        _ = log.TryLocate(name, out LogLocation location);
        change.Batch.Expect(name, location);
        DiskPart? replaced = Find(upload, number);
        if (location.IsKnown && !DiskBlobStore.IsTombstone(location)) change.Freed += location.Length;
        if (replaced?.Piece is { } piece) store.ReleaseFile(change, piece.Id, piece.Length);
        if (replaced is null && location.IsKnown && !DiskBlobStore.IsTombstone(location)) ReleaseUnnamed(change, upload.Id);
        change.Added += DiskRecord.PutPart(change.Batch, name, info, file?.Encoded ?? default);
        if (file is not null) DiskBlobStore.AddFile(change, file.IdOf(0), new DiskValueFile(upload.Key, upload.Id, file.LengthOf(0)));
        return replaced;
    }

    private async Task<CompleteResult> CompleteAsync(DiskUpload upload, IReadOnlyList<PartReference> references, CompleteOptions? options)
    {
        WriteOptions write = upload.Options with { Condition = options?.Condition ?? default };
        var commit = new CommitOptions { ETag = options?.ETag, Checksum = options?.Checksum, Metadata = options?.Metadata };
        while (true)
        {
            using DiskChange change = store.NewChange();
            if (!TryEnd(change, upload)) return new CompleteResult(CompleteStatus.Missing);
            if (Compose(change, upload, references, out int invalid) is not { } payload) return UnlessOver(upload, new CompleteResult(CompleteStatus.InvalidPart, null, invalid));
            NewBlob.Verify(upload.Key, store.Capabilities.Store, payload.Length, payload.Checksum, null, write, commit);
            if (store.PreparePut(change, upload.Key, payload, write, commit) is { } refused) return UnlessOver(upload, new CompleteResult(CompleteStatus.PreconditionFailed, refused.Info));
            if (!await store.TryCommitAsync(change, "complete", upload.Key).ConfigureAwait(false)) continue;
            End(upload);
            await TryDropPartsAsync(upload.Id).ConfigureAwait(false);
            return new CompleteResult(CompleteStatus.Completed, change.Info);
        }
    }

    /// <summary>Parts go and the blob comes with the end of the upload: somebody may have ended it since it was looked at.</summary>
    private CompleteResult UnlessOver(DiskUpload upload, CompleteResult result) =>
        log.TryLocate(upload.Name, out LogLocation location) && !DiskBlobStore.IsTombstone(location) ? result : new CompleteResult(CompleteStatus.Missing);

    /// <summary>The payload that the named parts are, one after the other. Their entries go with the batch, their files become the blob's.</summary>
    private DiskPayload? Compose(DiskChange change, DiskUpload upload, IReadOnlyList<PartReference> references, out int invalid)
    {
        var pieces = new List<ValuePiece>(references.Count);
        uint checksum = 0;
        foreach (PartReference reference in references)
        {
            invalid = reference.Number;
            if (Find(upload, reference.Number) is not { } part || !string.Equals(part.Info.ETag, reference.ETag, StringComparison.Ordinal)) return null;
            byte[] name = DiskKey.OfPart(upload.Id, part.Number);
            change.Batch.Expect(name, part.Location);
            change.Batch.Delete(name);
            change.Freed += part.Location.Length;
            checksum = Crc32C.Combine(checksum, part.Info.Checksum ?? 0, part.Info.Length);
            if (part.Piece is { } piece) pieces.Add(piece);
        }

        invalid = 0;
        return pieces.Count == 0 ? DiskPayload.Of(default(System.Buffers.ReadOnlySequence<byte>)) : DiskPayload.Of(ValueReference.Of(pieces), checksum);
    }

    /// <summary>Ends an upload and drops its parts.</summary>
    /// <returns>False if somebody else has ended it.</returns>
    private async ValueTask<bool> TryAbortAsync(DiskUpload upload, string operation)
    {
        while (true)
        {
            using DiskChange change = store.NewChange();
            if (!TryEnd(change, upload)) return false;
            try
            {
                if (!await store.TryCommitAsync(change, operation, upload.Key).ConfigureAwait(false)) continue;
            }
            catch (StorageException e) when (e.Outcome == WriteOutcome.Unknown)
            {
                End(upload);
                throw;
            }

            End(upload);
            await TryDropPartsAsync(upload.Id).ConfigureAwait(false);
            return true;
        }
    }

    /// <summary>Removes what is left of the parts of an upload that is over: nothing can join them any more.</summary>
    private async ValueTask<bool> TryDropPartsAsync(string uploadId)
    {
        try
        {
            while (NumbersOf(uploadId, 0).Take(DroppedAtOnce).ToArray() is { Length: > 0 } numbers)
            {
                using DiskChange change = store.NewChange();
                bool isDamaged = false;
                foreach (int number in numbers)
                {
                    byte[] name = DiskKey.OfPart(uploadId, number);
                    if (!log.TryLocate(name, out LogLocation location)) continue;
                    change.Batch.Expect(name, location);
                    change.Batch.Delete(name);
                    change.Freed += location.Length;
                    if (Find(uploadId, default, number) is not { } part) isDamaged = true;
                    else if (part.Piece is { } piece) store.ReleaseFile(change, piece.Id, piece.Length);
                }

                if (isDamaged) ReleaseUnnamed(change, uploadId);
                await store.TryCommitAsync(change, "drop", null).ConfigureAwait(false);
            }

            return true;
        }
        catch (StorageException e)
        {
            logger.LogWarning(e, "Cannot remove the parts of an upload of store '{Store}' that is over; they are removed when the store is opened next", store.Capabilities.Store);
            return false;
        }
    }

    /// <summary>
    /// Releases the files of an upload that neither a part nor its blob names: those of parts whose entries are damaged. Which
    /// they are, the files' own records tell.
    /// </summary>
    private void ReleaseUnnamed(DiskChange change, string uploadId)
    {
        // The records before the parts: a file that comes in between is not among them.
        List<(ulong Id, DiskValueFile File)> files = [.. store.ValueFilesInUse().Where(f => f.File.UploadId == uploadId)];
        if (files.Count == 0) return;
        HashSet<ulong> named = [.. change.Retired.Select(r => r.Id), .. store.FilesOf(files[0].File.Key)];
        foreach (int number in NumbersOf(uploadId, 0))
        {
            if (Find(uploadId, default, number)?.Piece is { } piece) named.Add(piece.Id);
        }

        foreach ((ulong id, DiskValueFile file) in files.Where(f => !named.Contains(f.Id)))
        {
            // It holds only as long as nobody else releases it.
            byte[] name = DiskKey.OfFile(id);
            if (!log.TryLocate(name, out LogLocation location)) continue;
            change.Batch.Expect(name, location);
            store.ReleaseFile(change, id, file.Length);
        }
    }

    /// <summary>Makes a change hold only while the upload goes on. False: it has ended.</summary>
    private bool TryExpect(DiskChange change, DiskUpload upload)
    {
        if (!log.TryLocate(upload.Name, out LogLocation location) || DiskBlobStore.IsTombstone(location)) return false;
        change.Batch.Expect(upload.Name, location);
        return true;
    }

    /// <summary>Adds the end of an upload to a change. False: it has ended.</summary>
    private bool TryEnd(DiskChange change, DiskUpload upload)
    {
        if (!log.TryLocate(upload.Name, out LogLocation location) || DiskBlobStore.IsTombstone(location)) return false;
        change.Batch.Expect(upload.Name, location);
        change.Batch.Delete(upload.Name);
        change.Freed += location.Length;
        return true;
    }

    private DiskPart? Find(DiskUpload upload, int number) => Find(upload.Id, upload.Key, number);

    /// <summary>A part that is there and can be read.</summary>
    private DiskPart? Find(string uploadId, BlobKey key, int number)
    {
        try
        {
            if (!log.TryRead(DiskKey.OfPart(uploadId, number), out LogEntry entry)) return null;
            using (entry) return DiskPart.Read(key, number, entry);
        }
        catch (Exception e) when (DiskBlobStore.IsDamage(e))
        {
            logger.LogError(e, "The part {Number} of an upload of '{Key}' is damaged; it is missing", number, key);
            return null;
        }
    }

    /// <summary>The numbers of the parts that are there, behind a number.</summary>
    private IEnumerable<int> NumbersOf(string uploadId, int after)
    {
        var found = new LogScanBuffer();
        byte[] next = DiskKey.OfPart(uploadId, after + 1), end = DiskKey.OfPart(uploadId, AboveParts);
        int count;
        do
        {
            count = log.Scan(new LogScan(next, end, DroppedAtOnce), found);
            for (int i = 0; i < count; i++)
            {
                if (!DiskBlobStore.IsTombstone(found.Location(i))) yield return DiskKey.ToPart(found.Key(i)).Number;
            }

            if (count > 0) next = [.. found.Key(count - 1), 0];
        }
        while (count == DroppedAtOnce);
    }

    private void End(DiskUpload upload)
    {
        upload.End();
        _uploads.TryRemove(upload.Id, out _);
    }

    private DiskUpload? UnderWay(BlobKey key, string uploadId)
    {
        ArgumentNullException.ThrowIfNull(uploadId);
        return _uploads.TryGetValue(uploadId, out DiskUpload? upload) && upload.Key == key && !upload.HasEnded && !IsExpired(upload) ? upload : null;
    }

    private bool IsExpired(DiskUpload upload) => clock.GetUtcNow() - upload.Touched >= expiry;
}
