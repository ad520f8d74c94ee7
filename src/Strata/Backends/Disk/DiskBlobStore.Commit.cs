using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>How writes and deletes become visible and durable.</content>
public sealed partial class DiskBlobStore
{
    private readonly Dictionary<BlobKey, ulong> _tombstoneFiles = [];

    /// <summary>Keys of which an old file could not be removed: their tombstones stay, or the next open would bring the blob back.</summary>
    private readonly HashSet<BlobKey> _leftovers = [];
    private readonly Lock _state = new();
    private ulong _sequence;

    private async ValueTask<WriteResult> CommitAsync(DiskBlobWriter writer, CommitOptions? commit, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _gate.Enter("write");
        using KeyLocks.Held held = await _locks.EnterAsync(writer.Key, cancellationToken).ConfigureAwait(false);
        return await Task.Run(() => Commit(writer, commit), CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Makes the parts of an upload the blob, under the key's lock; moves none of them.</summary>
    internal WriteResult Commit(DiskParts parts, uint checksum, DiskUpload upload, CompleteOptions? options)
    {
        WriteOptions write = upload.Options with { Condition = options?.Condition ?? default };
        var commit = new CommitOptions { ETag = options?.ETag, Checksum = options?.Checksum, Metadata = options?.Metadata };
        NewBlob.Verify(parts.Key, _options.Name, parts.Length, checksum, null, write, commit);
        return Commit(
            parts.Key,
            write.Condition,
            (current, stored) => NewBlob.Describe(parts.Key, parts.Length, checksum, write, commit, current, NextVersion(parts.Key, stored), _clock.GetUtcNow()),
            (info, stored) => PublishManifest(info, parts.TryLease()!, stored),
            upload.FileBytes);
    }

    /// <summary>Commits under the key's lock.</summary>
    private WriteResult Commit(DiskBlobWriter writer, CommitOptions? commit)
    {
        BlobKey key = writer.Key;
        NewBlob.Verify(key, _options.Name, writer.Length, writer.Checksum, writer.Declared, writer.Options, commit);
        return Commit(
            key,
            writer.Options?.Condition ?? default,
            (current, stored) =>
            {
                BlobVersion version = writer.Options?.AsCopyOf is null ? NextVersion(key, stored) : default;
                return NewBlob.Describe(key, writer.Length, writer.Checksum, writer.Options, commit, current, version, _clock.GetUtcNow());
            },
            (info, stored) => Publish(writer, info, DiskFileKind.Blob, stored));
    }

    private WriteResult Commit(
        BlobKey key, WriteCondition condition, Func<BlobInfo?, DiskEntry?, BlobInfo> describe, Func<BlobInfo, DiskEntry?, DiskEntry> publish, long uploaded = 0)
    {
        DiskEntry? stored = _index.Get(key);
        BlobInfo? current = Visible(key)?.Info;
        if (!condition.Holds(current, Floor(key, stored, current))) return WriteResult.PreconditionFailed(current);
        try
        {
            BlobInfo info = describe(current, stored);
            Replace(stored, publish(info, stored), uploaded);
            return WriteResult.Written(info, _options.Name);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw Error(e, "write", key);
        }
    }

    /// <summary>A composed blob with other metadata is another manifest of the same parts. Under the key's lock.</summary>
    private WriteResult Update(DiskEntry entry, BlobChanges changes)
    {
        // Gone only by an eviction, which asks nobody.
        if (entry.Parts!.TryLease() is not { } lease) return WriteResult.Missing;
        try
        {
            BlobInfo info = NewBlob.Update(entry.Info, changes, _versions.Next(entry.Info.Version), _clock.GetUtcNow());
            Replace(entry, PublishManifest(info, lease, entry));
            return WriteResult.Written(info, _options.Name);
        }
        catch (Exception e)
        {
            lease.Dispose();
            if (DiskErrors.IsDiskError(e)) throw Error(e, "update", entry.Info.Key);
            throw;
        }
    }

    private DeleteResult Delete(BlobKey key, WriteCondition condition)
    {
        DiskEntry? stored = _index.Get(key);
        BlobInfo? current = Visible(key)?.Info;
        if (!condition.Holds(current, Floor(key, stored, current))) return new DeleteResult(DeleteStatus.PreconditionFailed);
        bool isVersioned = condition.Kind == WriteConditionKind.IfOlder;
        if (current is null && !isVersioned) return new DeleteResult(DeleteStatus.Missing);
        try
        {
            BlobVersion version = isVersioned ? condition.Version : _versions.Next(stored?.Info.Version ?? default);
            BuryUnderLock(key, stored, version);
            return new DeleteResult(current is null ? DeleteStatus.Missing : DeleteStatus.Deleted, version);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw Error(e, "delete", key);
        }
    }

    /// <summary>Writes the tombstone, then lets the blob go: a crash between the two leaves the delete standing.</summary>
    private void BuryUnderLock(BlobKey key, DiskEntry? stored, BlobVersion version)
    {
        var info = new BlobInfo { Key = key, Length = 0, ETag = version.ToETag(), Version = version };
        DiskEntry? tombstone = null;
        try
        {
            DiskBlobWriter writer = NewWriter(key, null, 0);
            try
            {
                tombstone = Publish(writer, info, DiskFileKind.Tombstone, null);
            }
            finally
            {
                writer.Abandon();
            }
        }
        catch (IOException e) when (stored is not null && Error(e, "delete", key).Kind == StorageErrorKind.Full)
        {
            // A full disk must take deletes: without a tombstone the file itself goes, and IfOlder is remembered until the store closes.
            if (stored.Parts is { IsSessionGone: false } parts) _uploadFiles.EndSession(parts.Upload);
            _folder.Remove(stored);
        }

        Bury(key, stored, version, tombstone?.Sequence);
    }

    private void Bury(BlobKey key, DiskEntry? stored, BlobVersion version, ulong? file)
    {
        ulong? older = null;
        lock (_state)
        {
            if (stored is not null) Forget(stored);
            if (_tombstoneFiles.Remove(key, out ulong before)) older = before;
            if (file is { } sequence) _tombstoneFiles[key] = sequence;
            _tombstones.Set(key, version);
        }

        if (stored is not null) Discard(stored);
        if (older is { } gone) Discard(key, gone);
    }

    private void Discard(BlobKey key, ulong sequence)
    {
        if (_folder.TryRemove(_folder.PathOf(key, sequence))) return;
        lock (_state) _leftovers.Add(key);
    }

    /// <summary>Removes the file of a blob that is no more. Its parts, if it has any, follow behind their last reader.</summary>
    private void Discard(DiskEntry entry)
    {
        // The session goes before the manifest: with neither of them the parts are garbage, with the session alone an upload.
        if ((entry.Parts is null || _uploadFiles.TryEndSession(entry.Parts)) && _folder.TryRemove(_folder.PathOf(entry))) entry.Lease?.Dispose();
        else lock (_state) _leftovers.Add(entry.Info.Key);
    }

    private DiskEntry PublishManifest(BlobInfo info, DiskParts.Lease lease, DiskEntry? replaced)
    {
        DiskBlobWriter writer = NewWriter(info.Key, null, null);
        try
        {
            writer.Write(DiskManifest.Encode(lease.Parts.Files));
            return Publish(writer, info, DiskFileKind.Manifest, replaced, lease);
        }
        finally
        {
            writer.Abandon();
        }
    }

    private DiskEntry Publish(DiskBlobWriter writer, BlobInfo info, DiskFileKind kind, DiskEntry? replaced, DiskParts.Lease? lease = null)
    {
        ulong sequence = NextSequence();
        string? upload = lease?.Parts.Upload;
        FinishedFile file = writer.Finish(DiskBlobMetadata.From(info) with { Upload = upload }, kind, sequence);
        _folder.Flush(file.Handle);

        // Parts that both list stay where they are.
        long freed = replaced is null ? 0 : ReferenceEquals(replaced.Parts, lease?.Parts) ? replaced.OwnBytes : replaced.FileBytes;
        long claimed = kind == DiskFileKind.Tombstone ? 0 : MakeRoom(info.Key, file.Bytes, freed, replaced);
        Place(file.Path, _folder.PathOf(info.Key, sequence, upload), info.Key, claimed);
        return new DiskEntry(info, sequence, file.Bytes, lease) { ClaimedBytes = claimed };
    }

    /// <summary>Puts a finished and flushed file in its place. One that does not get there gives back the room claimed for it.</summary>
    internal void Place(string temporary, string target, BlobKey key, long claimed)
    {
        bool published = false;
        try
        {
            _folder.Place(temporary, target, ref published);
        }
        catch (Exception e) when (published && DiskErrors.IsDiskError(e))
        {
            // Renamed, but the folder's flush failed: a power cut may show what was there before or the new file.
            _folder.TryRemove(target);
            Settle(claimed, 0);
            throw Error(e, "write", key, WriteOutcome.Unknown);
        }
        catch
        {
            Settle(claimed, 0);
            throw;
        }
    }

    internal BlobVersion NextVersion() => _versions.Next();

    private BlobVersion NextVersion(BlobKey key, DiskEntry? stored) => _versions.Next(stored?.Info.Version ?? _tombstones.Get(key));

    internal ulong NextSequence() => Interlocked.Increment(ref _sequence);

    internal DiskBlobWriter NewWriter(BlobKey key, WriteOptions? options, long? declared) => new(this, _folder, key, options, declared, CommitAsync);

    /// <param name="stored">What is replaced, if anything.</param>
    /// <param name="entry">What takes its place.</param>
    /// <param name="uploaded">Bytes that counted as an upload's so far.</param>
    private void Replace(DiskEntry? stored, DiskEntry entry, long uploaded = 0)
    {
        ulong? tombstone = null;
        lock (_state)
        {
            // The new entry takes its place before the old one goes: a reader never sees the key missing in between.
            Remember(entry);
            _bytes -= uploaded;
            if (stored is not null) Forget(stored);
            if (_tombstoneFiles.Remove(entry.Info.Key, out ulong file)) tombstone = file;
        }

        _tombstones.Forget(entry.Info.Key);
        if (stored is not null) Discard(stored);
        if (tombstone is { } gone) Discard(entry.Info.Key, gone);
    }

    private BlobVersion Floor(BlobKey key, DiskEntry? stored, BlobInfo? current)
    {
        BlobVersion tombstone = _tombstones.Get(key);
        return current is null && stored is not null && stored.Info.Version > tombstone ? stored.Info.Version : tombstone;
    }
}
