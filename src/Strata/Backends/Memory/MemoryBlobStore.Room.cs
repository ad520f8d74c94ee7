namespace Strata;

/// <content>Room: what is charged, what goes to make some, and when.</content>
public sealed partial class MemoryBlobStore
{
    /// <summary>Takes room for bytes that are not a blob yet; a negative number gives some back.</summary>
    internal void Claim(BlobKey key, long bytes)
    {
        if (_budget.TryAdd(bytes)) return;
        MakeRoomInStrict(bytes);
        if (!_budget.TryAdd(bytes)) throw Full(key);
    }

    internal void Release(long bytes) => _budget.Add(-bytes);

    /// <summary>Runs a change under the lock of the key's shard, with room for it.</summary>
    /// <param name="key">The key.</param>
    /// <param name="bytes">What the change takes, about. An evicting store makes room before, so that it holds no more than its budget, but for what writes at the same moment charge between one's reservation and its change.</param>
    /// <param name="change">The change; null for no room, in a strict store: then it runs once more.</param>
    private WriteResult Store(BlobKey key, long bytes, Func<MemoryShard, DateTimeOffset, WriteResult?> change)
    {
        long reserved = _options.Evicts ? bytes : 0;
        _budget.Add(reserved);
        try
        {
            if (_options.Evicts) Evict();
            if (Attempt() is { } done) return done;
            MakeRoomInStrict(bytes);
            return Attempt() ?? throw Full(key);
        }
        finally
        {
            if (_options.Evicts)
            {
                GiveBack();
                Evict();
            }
        }

        void GiveBack()
        {
            _budget.Add(-reserved);
            reserved = 0;
        }

        WriteResult? Attempt()
        {
            DateTimeOffset now = _clock.GetUtcNow();
            uint minute = MinuteOf(now);
            if (_minute != minute) _minute = minute;
            MemoryShard shard = ShardOf(key);
            lock (shard.Gate)
            {
                shard.Sweep(now, minute, _plain, SweepAtWrite);

                // The change charges what it takes: nobody shall make room for it twice.
                GiveBack();
                return change(shard, now);
            }
        }
    }

    /// <summary>Puts an entry into its place, if there is room for it.</summary>
    private bool TryPut(MemoryShard shard, MemoryBlob blob, MemoryBlob? found, long claimed)
    {
        long bytes = blob.Size - (found?.Size ?? 0) - claimed;
        if (_options.Evicts) _budget.Add(bytes);
        else if (!_budget.TryAdd(bytes)) return false;
        shard.Put(blob, found);
        return true;
    }

    /// <summary>Evicts until the budget holds, one entry of one shard after the other, so that all are served alike.</summary>
    private void Evict()
    {
        for (int idle = 0; _budget.Excess > 0 && idle < 2 * _shards.Length;)
        {
            MemoryShard shard = _shards[Interlocked.Increment(ref _hand) & (uint)(_shards.Length - 1)];
            MemoryBlob? evicted;
            lock (shard.Gate) idle = shard.TryEvict(out evicted) ? 0 : idle + 1;
            if (evicted is not null) Evicted?.Invoke(evicted.Key, evicted.Length);
        }
    }

    /// <summary>Removes what has expired, then tombstones, shard by shard, until there is room.</summary>
    private void MakeRoomInStrict(long bytes)
    {
        SweepBlobs();
        foreach (MemoryShard shard in _shards)
        {
            lock (shard.Gate)
            {
                while (_budget.Excess + bytes > 0 && shard.ForgetTombstone())
                {
                }
            }
        }
    }

    private StorageException Full(BlobKey key) =>
        new(StorageErrorKind.Full, $"Store '{_options.Name}' is full: it holds {_budget.Used} of {MaxBytes} bytes. Delete blobs or raise MaxBytes.")
        {
            Operation = "write", Key = key, Store = _options.Name,
        };

    /// <summary>Sets the limit, and with it the longest blob, to the capacity, or to less under memory pressure, and evicts what is above.</summary>
    private void ApplyLimit()
    {
        lock (_resizing)
        {
            long limit = Math.Max(LeastBytes, (long)(MaxBytes * (_pressure?.Share ?? 1)));
            _budget.Limit = limit;
            Volatile.Write(ref _capabilities, Describe(limit));
        }

        if (_options.Evicts) Evict();
    }

    /// <summary>Not under a lock: uploads take their own first.</summary>
    private void SweepAll()
    {
        SweepBlobs();
        _uploads?.Sweep();
    }

    private void SweepBlobs()
    {
        DateTimeOffset now = _clock.GetUtcNow();
        uint minute = _minute = MinuteOf(now);
        foreach (MemoryShard shard in _shards)
        {
            // In steps, between which those who wait for the lock come in.
            for (bool isMore = true; isMore;)
            {
                lock (shard.Gate) isMore = shard.Sweep(now, minute, _plain, SweepAtOnce);
            }
        }
    }
}
