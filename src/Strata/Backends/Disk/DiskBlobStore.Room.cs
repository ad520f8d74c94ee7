namespace Strata;

/// <content>The books of what is stored, and how room is made.</content>
public sealed partial class DiskBlobStore
{
    private readonly LinkedList<DiskEntry> _arrivals = new();
    private long _bytes;
    private long _claimed;
    private long _evictions;

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

    /// <summary>Claims room for a file until it is in the books, so that writers at once do not count the same room.</summary>
    /// <param name="key">The key written.</param>
    /// <param name="bytes">Bytes of the file.</param>
    /// <param name="freed">Bytes that will be free once the file is in its place.</param>
    /// <param name="replaced">The entry that frees them, unless it is evicted before; null if none can be.</param>
    /// <returns>The bytes claimed.</returns>
    internal long MakeRoom(BlobKey key, long bytes, long freed = 0, DiskEntry? replaced = null)
    {
        if (_options.MaxBytes is not { } most) return 0;
        CheckCapacity(key, bytes);
        long Excess() => _bytes + _claimed + bytes - (replaced is { Node.List: null } ? 0 : freed) - most;
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

    /// <summary>Enters bytes in the books, or takes them out, and gives back what was claimed for them.</summary>
    internal void Settle(long claimed, long bytes)
    {
        lock (_state)
        {
            _claimed -= claimed;
            _bytes += bytes;
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
        Discard(victim);
        Interlocked.Increment(ref _evictions);
        Evicted?.Invoke(victim.Info.Key, victim.Info.Length);
    }
}
