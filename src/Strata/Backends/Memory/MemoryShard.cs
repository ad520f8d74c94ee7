namespace Strata;

/// <summary>
/// The part of a memory store whose keys have some bits of their hash in common: what is changed under one lock. Members
/// are called by whoever holds <see cref="Gate"/>; the counts may be read by anybody.
/// </summary>
internal sealed class MemoryShard(MemoryTable table, int number, MemoryBudget budget, MemoryEviction? eviction, MemoryKeyOrder? order, int shards)
{
    /// <summary>Minutes that a tombstone stays: no less than the retention, whatever the second.</summary>
    private static readonly uint TombstoneMinutes = (uint)Tombstones.Retention.TotalMinutes + 1;

    /// <summary>Tombstones take no more than this share of the capacity.</summary>
    private const int TombstoneShare = 8;

    private readonly MemoryQueue _tombstones = new(MemoryPlace.Tombstones);
    private readonly MemoryExpiries _expiries = new();
    private long _structures;
    private long _blobs;
    private long _evictions;
    private long _expirations;
    private ulong _forgotten;

    public Lock Gate { get; } = new();

    public long Blobs => Volatile.Read(ref _blobs);

    public long Evictions => Volatile.Read(ref _evictions);

    public long Expirations => Volatile.Read(ref _expirations);

    /// <summary>The highest version of a tombstone that had to go before its time: a missing key may have been deleted at it.</summary>
    public BlobVersion Forgotten => new(_forgotten);

    /// <summary>The key's entry: a blob, expired perhaps, or a tombstone.</summary>
    public MemoryBlob? Find(BlobKey key) => table.Find(key);

    /// <summary>Makes an entry the key's. The caller has charged the difference of their sizes.</summary>
    /// <param name="blob">The entry.</param>
    /// <param name="found">What <see cref="Find"/> found.</param>
    public void Put(MemoryBlob blob, MemoryBlob? found)
    {
        // The new entry takes its place before the old one goes: a reader never sees the key missing in between.
        if (found is null) table.Add(blob);
        else table.Replace(found, blob);
        if (found is { IsTombstone: false } && !blob.IsTombstone)
        {
            eviction?.Replace(found, blob);
            order?.Replace(found, blob);
            _expiries.Remove(found);
            _expiries.Add(blob);
        }
        else
        {
            if (found is not null) Leave(found);
            Enter(blob);
        }

        Settle();
    }

    /// <summary>Puts the version of a delete in the place of what is there.</summary>
    public void Bury(BlobKey key, MemoryBlob? found, BlobVersion version, MemoryDetails plain, uint minute)
    {
        if (!version.IsKnown)
        {
            if (found is not null) Remove(found);
            return;
        }

        MemoryBlob tombstone = MemoryBlob.Tombstone(key, version, plain, minute);
        budget.Add(tombstone.Size - (found?.Size ?? 0));
        Put(tombstone, found);

        // A strict store evicts nothing: what a delete takes beyond the capacity goes at once.
        while ((HasTooManyTombstones || (eviction is null && budget.Excess > 0)) && ForgetTombstone())
        {
        }
    }

    /// <summary>Forgets the oldest tombstone before its time; false if there is none.</summary>
    public bool ForgetTombstone()
    {
        if (_tombstones.Oldest is not { } oldest) return false;
        _forgotten = Math.Max(_forgotten, oldest.Version.Value);
        Remove(oldest);
        return true;
    }

    /// <summary>Makes tombstones of blobs that have expired, and forgets old tombstones.</summary>
    /// <param name="now">The time.</param>
    /// <param name="minute">The same.</param>
    /// <param name="plain">What a tombstone knows.</param>
    /// <param name="most">At most this many of each.</param>
    /// <returns>True if there may be more.</returns>
    public bool Sweep(DateTimeOffset now, uint minute, MemoryDetails plain, int most)
    {
        int expirations = 0, forgotten = 0;
        for (; expirations < most && _expiries.Due(now.UtcTicks) is { } expired; expirations++)
        {
            Volatile.Write(ref _expirations, _expirations + 1);
            Bury(expired.Key, expired, expired.Version, plain, minute);
        }

        for (; forgotten < most && _tombstones.Oldest is { } oldest && oldest.LastUse + TombstoneMinutes <= minute; forgotten++) Remove(oldest);
        return expirations == most || forgotten == most;
    }

    /// <summary>Evicts one blob; a tombstone goes only where there is no blob, or where a lowered capacity left too many.</summary>
    /// <param name="blob">The blob, which is readable still; null if it was a tombstone that went.</param>
    /// <returns>False if nothing was there.</returns>
    public bool TryEvict(out MemoryBlob? blob)
    {
        blob = HasTooManyTombstones ? null : eviction?.Take();
        if (blob is null) return ForgetTombstone();

        Volatile.Write(ref _evictions, _evictions + 1);
        Volatile.Write(ref _blobs, _blobs - 1);
        _expiries.Remove(blob);
        table.Remove(blob);
        budget.Add(-blob.Size);
        Settle();
        return true;
    }

    /// <summary>All that is there, tombstones among it.</summary>
    public void CopyTo(List<MemoryBlob> entries) => table.CopyTo(number, entries);

    private bool HasTooManyTombstones => _tombstones.Bytes > budget.Limit / TombstoneShare / shards;

    private void Remove(MemoryBlob entry)
    {
        table.Remove(entry);
        Leave(entry);
        budget.Add(-entry.Size);
        Settle();
    }

    private void Enter(MemoryBlob entry)
    {
        if (entry.IsTombstone)
        {
            _tombstones.Add(entry);
            return;
        }

        Volatile.Write(ref _blobs, _blobs + 1);
        eviction?.Add(entry, budget.Limit);
        order?.Add(entry);
        _expiries.Add(entry);
    }

    private void Leave(MemoryBlob entry)
    {
        if (entry.IsTombstone)
        {
            _tombstones.Remove(entry);
            return;
        }

        Volatile.Write(ref _blobs, _blobs - 1);
        eviction?.Remove(entry);
        order?.Remove(entry);
        _expiries.Remove(entry);
    }

    /// <summary>Charges what the bookkeeping has grown by.</summary>
    private void Settle()
    {
        long structures = table.HeapBytes(number) + _tombstones.HeapBytes + _expiries.HeapBytes + (eviction?.HeapBytes ?? 0);
        budget.Add(structures - _structures);
        _structures = structures;
    }
}
