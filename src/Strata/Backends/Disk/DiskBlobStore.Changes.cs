using System.Buffers;
using System.Buffers.Binary;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>How a change is prepared as a batch that holds only for what was found, and committed.</content>
public sealed partial class DiskBlobStore
{
    internal DiskChange NewChange() => new(_buffers);

    internal BlobVersion NextVersion() => _versions.Next();

    /// <summary>What is there of a key.</summary>
    private DiskBlob Find(BlobKey key)
    {
        Span<byte> name = DiskKey.Of(LogKeyspace.Blobs, key, stackalloc byte[DiskKey.MaxBytes]);
        LogLocation before = default;
        while (_log.TryLocate(name, out LogLocation location))
        {
            try
            {
                if (_log.TryReadAt(name, location, out LogEntry entry))
                {
                    using (entry) return Describe(key, entry);
                }

                // Moved meanwhile, else its segment is lost.
                if (location.IsSamePlaceAs(before)) return Damaged(key, location, null);
                before = location;
            }
            catch (Exception e) when (e is StorageException { Kind: StorageErrorKind.Corrupt } or InvalidDataException)
            {
                return Damaged(key, location, e);
            }
        }

        return default;
    }

    /// <summary>Commits a write, again until what was found is still there at the commit.</summary>
    internal async ValueTask<WriteResult> PutAsync(BlobKey key, DiskPayload payload, WriteOptions? options, CommitOptions? commit)
    {
        while (true)
        {
            using DiskChange change = NewChange();
            if (PreparePut(change, key, payload, options, commit) is { } refused) return refused;
            if (payload.Files is { } files) AddFile(change, files.IdOf(0), new DiskValueFile(key, null, files.LengthOf(0)));
            if (await TryCommitAsync(change, "write", key).ConfigureAwait(false)) return WriteResult.Written(change.Info!, _options.Name);
        }
    }

    /// <summary>Adds a blob to a batch, with all that its predecessor leaves behind.</summary>
    /// <returns>Why not, or null.</returns>
    internal WriteResult? PreparePut(DiskChange change, BlobKey key, in DiskPayload payload, WriteOptions? options, CommitOptions? commit)
    {
        DiskBlob found = Find(key);
        long now = _time.Now;
        BlobInfo? current = found.Visible(now);
        if (options?.Condition.Holds(current, found.Floor(now)) == false) return WriteResult.PreconditionFailed(current);
        BlobInfo? replaced = commit?.Replaces ?? options?.Replaces;
        BlobVersion version = options?.AsCopyOf is null ? _versions.Next(Later(found.Version, replaced?.Version ?? default)) : default;
        BlobInfo info = NewBlob.Describe(key, payload.Length, payload.Checksum, options, commit, replaced is null || replaced.Expires <= _clock.GetUtcNow() ? current : replaced, version, _clock.GetUtcNow());
        Span<byte> name = DiskKey.Of(LogKeyspace.Blobs, key, stackalloc byte[DiskKey.MaxBytes]);
        change.Batch.Expect(name, found.Location);
        if (payload.IsWhole)
        {
            change.Added += DiskRecord.PutWhole(change.Batch, name, info, payload.Bytes);
        }
        else
        {
            change.Added += DiskRecord.PutApart(change.Batch, name, info, 0);
            name[0] = (byte)LogKeyspace.Payloads;
            ReadOnlySequence<byte> value = payload.Files is { } files ? new ReadOnlySequence<byte>(files.Encoded) : payload.Bytes;
            change.Batch.Put(name, default, value, isReference: payload.Files is not null);
            change.Added += LogEntryHeader.LengthOf(name.Length, (int)value.Length);
        }

        Supersede(change, key, found, info);
        ReleasePayload(change, key, found, isReplaced: !payload.IsWhole);
        Note(change, key, info.Version, info, isCopy: options?.AsCopyOf is not null);
        return null;
    }

    /// <summary>Enters a value file into a batch and the books.</summary>
    internal static void AddFile(DiskChange change, ulong id, DiskValueFile file) => change.Added += file.Put(change.Batch, id) + file.Length;

    /// <summary>Takes a value file out of use.</summary>
    internal void ReleaseFile(DiskChange change, ulong id, long length)
    {
        byte[] name = DiskKey.OfFile(id);
        if (!_log.TryLocate(name, out LogLocation location) || IsTombstone(location)) return;
        change.Batch.Delete(name);
        change.Freed += location.Length + length;
        change.Retired.Add((id, length));
    }

    /// <summary>Commits a change, if what it expects is there, and enters it in the books.</summary>
    /// <returns>False if something came in between: prepare it anew.</returns>
    internal async ValueTask<bool> TryCommitAsync(DiskChange change, string operation, BlobKey? key)
    {
        await ClaimAsync(change.Added, change.Freed, operation, key).ConfigureAwait(false);
        LogCommit commit;
        try
        {
            commit = change.Recorded is { } recorded && _rows is { } rows
                ? await rows.CommitAsync(change.Batch, recorded).ConfigureAwait(false)
                : await _log.CommitAsync(change.Batch).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            _books.Release(change.Added);
            throw Named(e, operation, key);
        }
        catch
        {
            _books.Release(change.Added);
            throw;
        }

        if (!commit.IsApplied)
        {
            _books.Release(change.Added);
            return false;
        }

        _books.Settle(change.Added, change.Added - change.Freed, change.Blobs);
        foreach ((BlobKey expiring, long before, long after) in change.Expiries) _expiries.Change(expiring, before, after);
        if (change.Retired.Count > 0) _retired.Add(change.Retired);
        return true;
    }

    private WriteResult? PrepareUpdate(DiskChange change, BlobKey key, BlobChanges changes, WriteCondition condition)
    {
        while (true)
        {
            DiskBlob found = Find(key);
            if (found.Visible(_time.Now) is not { } current) return WriteResult.Missing;
            if (!condition.Holds(current)) return WriteResult.PreconditionFailed(current);
            BlobInfo info = NewBlob.Update(current, changes, _versions.Next(Later(current.Version, changes.Above)), _clock.GetUtcNow());
            Span<byte> name = DiskKey.Of(LogKeyspace.Blobs, key, stackalloc byte[DiskKey.MaxBytes]);
            if (found.IsApart)
            {
                change.Added += DiskRecord.PutApart(change.Batch, name, info, found.PayloadSequence);
            }
            else
            {
                // Moved since it was found: look again.
                if (!_log.TryReadAt(name, found.Location, out LogEntry entry)) continue;
                using (entry) change.Added += DiskRecord.PutWhole(change.Batch, name, info, new ReadOnlySequence<byte>(entry.Body));
            }

            change.Batch.Expect(name, found.Location);
            Supersede(change, key, found, info);
            Note(change, key, info.Version, info, isCopy: false);
            return null;
        }
    }

    /// <summary>Adds a delete to a batch; it stays empty where there is nothing to do.</summary>
    private DeleteResult PrepareDelete(DiskChange change, BlobKey key, WriteCondition condition)
    {
        DiskBlob found = Find(key);
        long now = _time.Now;
        BlobInfo? current = found.Visible(now);
        if (!condition.Holds(current, found.Floor(now))) return new DeleteResult(DeleteStatus.PreconditionFailed);
        bool isVersioned = condition.Kind == WriteConditionKind.IfOlder, isThere = current is not null || found.IsDamaged;
        if (!isThere && !isVersioned) return new DeleteResult(DeleteStatus.Missing);
        BlobVersion version = isVersioned ? condition.Version : _versions.Next(found.Version);
        Bury(change, key, found, version, now);
        Note(change, key, version, null, isCopy: false);
        return new DeleteResult(isThere ? DeleteStatus.Deleted : DeleteStatus.Missing, version);
    }

    /// <summary>Adds to a batch the end of what was found.</summary>
    /// <param name="change">The batch.</param>
    /// <param name="key">Its key.</param>
    /// <param name="found">What is there.</param>
    /// <param name="version">What older copies must not pass for the retention; none: they may.</param>
    /// <param name="now">What time it is.</param>
    private void Bury(DiskChange change, BlobKey key, in DiskBlob found, BlobVersion version, long now)
    {
        Span<byte> name = DiskKey.Of(LogKeyspace.Blobs, key, stackalloc byte[DiskKey.MaxBytes]);
        Span<byte> head = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(head, version.Value);
        change.Batch.Expect(name, found.Location);
        if (version.IsKnown) change.Batch.Delete(name, head, now + (long)Tombstones.Retention.TotalMilliseconds);
        else change.Batch.Delete(name);
        Supersede(change, key, found, null);
        ReleasePayload(change, key, found, isReplaced: false);
    }

    /// <summary>Notes that one entry of a key takes the place of another.</summary>
    private static void Supersede(DiskChange change, BlobKey key, in DiskBlob found, BlobInfo? info)
    {
        change.Info = info;
        bool wasThere = found.Info is not null || found.IsDamaged;
        if (wasThere) change.Freed += found.Location.Length;
        change.Blobs += (info is null ? 0 : 1) - (wasThere ? 1 : 0);
        long before = found.Info is { } replaced ? DiskRecord.ExpiryOf(replaced) : 0, after = info is null ? 0 : DiskRecord.ExpiryOf(info);
        if (before != after) change.Expiries.Add((key, before, after));
    }

    /// <summary>Takes the payload of what was found out of use.</summary>
    /// <param name="change">The batch.</param>
    /// <param name="key">Its key.</param>
    /// <param name="found">What is there.</param>
    /// <param name="isReplaced">The batch sets another in its place.</param>
    private void ReleasePayload(DiskChange change, BlobKey key, in DiskBlob found, bool isReplaced)
    {
        if (!found.IsApart && !found.IsDamaged) return;
        Span<byte> name = DiskKey.Of(LogKeyspace.Payloads, key, stackalloc byte[DiskKey.MaxBytes]);
        if (!_log.TryLocate(name, out LogLocation location) || IsTombstone(location)) return;
        change.Freed += location.Length;
        if (!isReplaced) change.Batch.Delete(name);
        if (!location.Flags.HasFlag(LogEntryFlags.Reference)) return;
        foreach ((ulong id, long length) in FilesOf(key, name)) ReleaseFile(change, id, length);
    }

    /// <summary>The files that a blob's payload is in; none if it is in the log.</summary>
    internal IEnumerable<ulong> FilesOf(BlobKey key)
    {
        byte[] name = DiskKey.Of(LogKeyspace.Payloads, key, stackalloc byte[DiskKey.MaxBytes]).ToArray();
        bool isInFiles = _log.TryLocate(name, out LogLocation location) && !IsTombstone(location) && location.Flags.HasFlag(LogEntryFlags.Reference);
        return isInFiles ? FilesOf(key, name).Select(f => f.Id) : [];
    }

    /// <summary>The files that a payload is in.</summary>
    private List<(ulong Id, long Length)> FilesOf(BlobKey key, ReadOnlySpan<byte> name)
    {
        try
        {
            if (!_log.TryRead(name, out LogEntry entry)) return [];
            using (entry)
            {
                if (ValueReference.Read(entry.Value, out ValueReference? reference) is { } fault) throw new InvalidDataException(fault);
                return [.. Enumerable.Range(0, reference!.Count).Select(i => (reference.IdOf(i), reference.LengthOf(i)))];
            }
        }
        catch (Exception e) when (e is StorageException { Kind: StorageErrorKind.Corrupt } or InvalidDataException)
        {
            // Which files they were is in the records of the files as well.
            _logger.LogError(e, "What says where the bytes of '{Key}' are in store '{Store}' is damaged; its files are looked for", key, _options.Name);
            return [.. ValueFilesInUse().Where(f => f.File.Key == key && (f.File.UploadId is null || !_uploads.IsUnderWay(f.File.UploadId))).Select(f => (f.Id, f.File.Length))];
        }
    }

    private static DiskBlob Describe(BlobKey key, in LogEntry entry)
    {
        LogEntryView view = entry.View;
        ReadOnlySpan<byte> head = view.Head;
        if (view.IsTombstone) return new DiskBlob { Location = entry.Location, Tombstone = VersionOf(head) };
        bool isApart = DiskRecord.IsApart(head);
        return new DiskBlob
        {
            Location = entry.Location,
            Info = InfoOf(key, view),
            IsApart = isApart,
            PayloadSequence = isApart ? DiskRecord.PayloadSequence(head, view.Sequence) : 0,
        };
    }

    private static BlobVersion Later(BlobVersion left, BlobVersion right) => left > right ? left : right;

    private static BlobVersion VersionOf(ReadOnlySpan<byte> tombstone) => tombstone.Length < sizeof(ulong) ? default : new(BinaryPrimitives.ReadUInt64LittleEndian(tombstone));

    internal static bool IsTombstone(LogLocation location) => location.Flags.HasFlag(LogEntryFlags.Tombstone);

    private DiskBlob Damaged(BlobKey key, LogLocation location, Exception? e)
    {
        _logger.LogError(e, "The entry of '{Key}' in store '{Store}' is damaged; it can be replaced or deleted", key, _options.Name);
        bool wasDeleted = IsTombstone(location);
        return new DiskBlob { Location = location, IsDamaged = !wasDeleted };
    }

    /// <summary>An error of the log, told of an operation on a key. Those who shared a group get one each.</summary>
    private StorageException Named(StorageException e, string operation, BlobKey? key) => new(e.Kind, e.Message, e)
    {
        Outcome = e.Outcome, IsTransient = e.IsTransient, Operation = operation, Key = key, Store = _options.Name,
    };
}
