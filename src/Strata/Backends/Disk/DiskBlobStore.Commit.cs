using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>How writes and deletes become visible and durable, and how room is made.</content>
public sealed partial class DiskBlobStore
{
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);
    private readonly ExpiryQueue<DiskEntry> _expiries = new();
    private readonly LinkedList<DiskEntry> _arrivals = new();
    private readonly Dictionary<BlobKey, ulong> _tombstoneFiles = [];

    /// <summary>Keys of which an old file could not be removed: their tombstones stay, or the next open would bring the blob back.</summary>
    private readonly HashSet<BlobKey> _leftovers = [];
    private readonly Lock _state = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _sweeper;
    private ulong _sequence;
    private long _bytes;
    private long _claimed;
    private long _evictions;
    private long _expirations;

    internal async ValueTask<WriteResult> CommitAsync(DiskBlobWriter writer, CommitOptions? commit, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _gate.Enter("write");
        using KeyLocks.Held held = await _locks.EnterAsync(writer.Key, cancellationToken).ConfigureAwait(false);
        return await Task.Run(() => Commit(writer, commit), CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Commits under the key's lock.</summary>
    private WriteResult Commit(DiskBlobWriter writer, CommitOptions? commit)
    {
        BlobKey key = writer.Key;
        NewBlob.Verify(key, _options.Name, writer.Length, writer.Checksum, writer.Declared, writer.Options, commit);
        DiskEntry? stored = _index.Get(key);
        BlobInfo? current = Visible(key)?.Info;
        if (writer.Options?.Condition.Holds(current, Floor(key, stored, current)) == false) return WriteResult.PreconditionFailed(current);
        try
        {
            BlobVersion version = writer.Options?.AsCopyOf is null ? _versions.Next(stored?.Info.Version ?? _tombstones.Get(key)) : default;
            BlobInfo info = NewBlob.Describe(key, writer.Length, writer.Checksum, writer.Options, commit, current, version, _clock.GetUtcNow());
            DiskEntry entry = Publish(writer, info, isTombstone: false, stored);
            Replace(stored, entry);
            return WriteResult.Written(info, _options.Name);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw Error(e, "write", key);
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
            var writer = new DiskBlobWriter(this, _folder, key, null, 0);
            try
            {
                tombstone = Publish(writer, info, isTombstone: true, null);
            }
            finally
            {
                writer.Abandon();
            }
        }
        catch (IOException e) when (stored is not null && Error(e, "delete", key).Kind == StorageErrorKind.Full)
        {
            // A full disk must take deletes: without a tombstone the file itself goes, and IfOlder is remembered until the store closes.
            _folder.Remove(key, stored.Sequence);
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

        if (stored is not null) Discard(key, stored.Sequence);
        if (older is { } gone) Discard(key, gone);
    }

    private void Discard(BlobKey key, ulong sequence)
    {
        if (_folder.TryRemove(key, sequence)) return;
        lock (_state) _leftovers.Add(key);
    }

    private DiskEntry Publish(DiskBlobWriter writer, BlobInfo info, bool isTombstone, DiskEntry? replaced)
    {
        ulong sequence = Interlocked.Increment(ref _sequence);
        (var file, string path, long bytes) = writer.Finish(info, isTombstone, sequence);
        long claimed = isTombstone ? 0 : MakeRoom(info.Key, bytes, replaced);
        bool published = false;
        try
        {
            _folder.Publish(file, path, info.Key, sequence, ref published);
            return new DiskEntry(info, sequence, bytes) { ClaimedBytes = claimed };
        }
        catch (Exception e) when (published && DiskErrors.IsDiskError(e))
        {
            // Renamed, but the folder's flush failed: a power cut may show the old blob or the new one.
            _folder.TryRemove(info.Key, sequence);
            Release(claimed);
            throw Error(e, "write", info.Key, WriteOutcome.Unknown);
        }
        catch
        {
            Release(claimed);
            throw;
        }
    }

    private void Replace(DiskEntry? stored, DiskEntry entry)
    {
        ulong? tombstone = null;
        lock (_state)
        {
            // The new entry takes its place before the old one goes: a reader never sees the key missing in between.
            Remember(entry);
            if (stored is not null) Forget(stored);
            if (_tombstoneFiles.Remove(entry.Info.Key, out ulong file)) tombstone = file;
        }

        _tombstones.Forget(entry.Info.Key);
        if (stored is not null) Discard(entry.Info.Key, stored.Sequence);
        if (tombstone is { } gone) Discard(entry.Info.Key, gone);
    }

    private void Remember(DiskEntry entry)
    {
        _index.Set(entry.Info.Key, entry);
        _arrivals.AddLast(entry.Node);
        _bytes += entry.FileBytes;
        _claimed -= entry.ClaimedBytes;
        _expiries.Add(entry, entry.Info.Expires);
    }

    /// <summary>Takes an entry out of the books, unless a newer one took its place in the index already.</summary>
    private bool Forget(DiskEntry entry)
    {
        if (entry.Node.List is null) return false;
        _index.Remove(entry.Info.Key, entry);
        _arrivals.Remove(entry.Node);
        _expiries.Remove(entry, entry.Info.Expires);
        _bytes -= entry.FileBytes;
        return true;
    }

    private BlobVersion Floor(BlobKey key, DiskEntry? stored, BlobInfo? current)
    {
        BlobVersion tombstone = _tombstones.Get(key);
        return current is null && stored is not null && stored.Info.Version > tombstone ? stored.Info.Version : tombstone;
    }

    private void CheckCapacity(BlobKey key, long? length)
    {
        if (length > _options.MaxBytes)
        {
            throw new StorageException(StorageErrorKind.TooLarge, $"The blob '{key}' has {length} bytes, more than the {_options.MaxBytes} that store '{_options.Name}' may hold in all.")
            {
                Operation = "write", Key = key, Store = _options.Name,
            };
        }
    }

    private void Release(long claimed)
    {
        lock (_state) _claimed -= claimed;
    }

    /// <summary>Claims room for a file until it is in the books, so that writers at once do not count the same room.</summary>
    /// <returns>The bytes claimed.</returns>
    private long MakeRoom(BlobKey key, long bytes, DiskEntry? replaced)
    {
        if (_options.MaxBytes is not { } most) return 0;
        CheckCapacity(key, bytes);
        long Excess() => _bytes + _claimed + bytes - (replaced?.Node.List is null ? 0 : replaced.FileBytes) - most;
        while (true)
        {
            DiskEntry? victim;
            lock (_state)
            {
                if (Excess() <= 0)
                {
                    _claimed += bytes;
                    return bytes;
                }

                victim = _options.Evicts ? NextVictim(replaced) : null;
            }

            if (victim is null)
            {
                throw new StorageException(StorageErrorKind.Full, $"Store '{_options.Name}' is full: it holds {_bytes} of {most} bytes. Delete blobs or raise MaxBytes.")
                {
                    Operation = "write", Key = key, Store = _options.Name,
                };
            }

            Evict(victim);
        }
    }

    private DiskEntry? NextVictim(DiskEntry? replaced)
    {
        for (int looked = 0, most = 2 * _arrivals.Count; looked < most; looked++)
        {
            DiskEntry candidate = _arrivals.First!.Value;
            if (!candidate.Visited && !ReferenceEquals(candidate, replaced)) return candidate;
            candidate.Visited = false;
            _arrivals.RemoveFirst();
            _arrivals.AddLast(candidate.Node);
        }

        return null;
    }

    private void Evict(DiskEntry victim)
    {
        lock (_state)
        {
            if (!Forget(victim)) return;
        }

        // A write of this key that is under way keeps its own entry and file; only the victim's file goes.
        Discard(victim.Info.Key, victim.Sequence);
        Interlocked.Increment(ref _evictions);
        Evicted?.Invoke(victim.Info.Key, victim.Info.Length);
    }

    private BlobVersion Load()
    {
        BlobVersion highest = default;
        var newest = new Dictionary<BlobKey, DiskBlobHeader>();
        int damaged = 0;
        foreach (DiskBlobHeader header in _folder.Load((file, fault) =>
        {
            damaged++;
            _sequence = Math.Max(_sequence, DiskBlobFile.SequenceOf(file));
            _log.LogError("The file {File} is damaged ({Fault}); it is left where it is, and its blob is missing", file, fault);
        }))
        {
            if (header.Info.Version > highest) highest = header.Info.Version;
            if (header.Sequence > _sequence) _sequence = header.Sequence;
            BlobKey key = header.Info.Key;
            if (newest.TryGetValue(key, out DiskBlobHeader? other) && other.Sequence > header.Sequence)
            {
                _folder.TryRemove(key, header.Sequence);
                continue;
            }

            if (other is not null) _folder.TryRemove(key, other.Sequence);
            newest[key] = header;
        }

        foreach (DiskBlobHeader header in newest.Values.OrderBy(h => h.Sequence)) Remember(header);
        if (damaged > 0) _log.LogError("{Count} files of store '{Store}' are damaged", damaged, _options.Name);
        return highest;
    }

    private void Remember(DiskBlobHeader header)
    {
        if (!header.IsTombstone)
        {
            Remember(new DiskEntry(header.Info, header.Sequence, header.FileBytes));
            return;
        }

        _tombstones.Set(header.Info.Key, header.Info.Version);
        _tombstoneFiles[header.Info.Key] = header.Sequence;
    }

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(SweepEvery, _clock);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false)) Sweep();
        }
        catch (OperationCanceledException)
        {
            // The store closes.
        }
    }

    /// <summary>Removes what has expired, and tombstones past their time.</summary>
    private void Sweep()
    {
        bool isRefused = false;
        foreach (DiskEntry entry in _expiries.TakeDue(_clock.GetUtcNow(), int.MaxValue))
        {
            BlobKey key = entry.Info.Key;
            if (isRefused || !_locks.TryEnter(key, out KeyLocks.Held held))
            {
                // Whatever holds the key may leave this entry in place; the next sweep looks again.
                _expiries.Add(entry, entry.Info.Expires);
                continue;
            }

            using (held)
            {
                if (!ReferenceEquals(_index.Get(key), entry)) continue;
                try
                {
                    BuryUnderLock(key, entry, entry.Info.Version);
                    Interlocked.Increment(ref _expirations);
                }
                catch (Exception e) when (DiskErrors.IsDiskError(e) || e is StorageException)
                {
                    _log.LogWarning(e, "Cannot remove an expired blob from store '{Store}'; it stays invisible, and the next sweep tries again", _options.Name);
                    _expiries.Add(entry, entry.Info.Expires);
                    isRefused = true;
                }
            }
        }

        if (isRefused) return;
        foreach (BlobKey key in _tombstones.TakeDue())
        {
            ulong sequence;
            lock (_state)
            {
                // Deleted again meanwhile: the file is the newer delete's.
                if (_leftovers.Contains(key) || _tombstones.Get(key).IsKnown || !_tombstoneFiles.Remove(key, out sequence)) continue;
            }

            _folder.TryRemove(key, sequence);
        }
    }
}
