using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>How room is made.</content>
public sealed partial class DiskBlobStore : ICommitPoint
{
    private const int MostVictims = 64;
    private const long MostAhead = 4 << 20;
    private readonly SemaphoreSlim _evicting = new(1, 1);
    private readonly LogAgeWalk _hand;

    /// <summary>What the hand has gathered, and how many of it were looked at.</summary>
    private readonly LogScanBuffer _candidates = new();
    private int _looked;
    private long _evictions;
    private volatile Func<BlobKey, bool>? _isKept;

    bool ICommitPoint.FlushesCommits => _options.Durability == DiskDurability.Flush;

    void ICommitPoint.KeepFromEviction(Func<BlobKey, bool> isKept) => _isKept = isKept;

    /// <summary>Refuses what can never fit.</summary>
    internal void CheckCapacity(BlobKey key, long? length)
    {
        if (length > _options.MaxBytes) throw TooLarge(key, length.Value);
    }

    private StorageException TooLarge(BlobKey? key, long length) =>
        new(StorageErrorKind.TooLarge, $"The blob '{key}' has {length} bytes, more than the {_options.MaxBytes} that store '{_options.Name}' may hold in all.")
        {
            Operation = "write", Key = key, Store = _options.Name,
        };

    /// <summary>Claims room for what is about to be committed; evicts for it, if this is a cache.</summary>
    /// <exception cref="StorageException">Of kind Full or TooLarge.</exception>
    private ValueTask ClaimAsync(long added, long freed, string operation, BlobKey? key)
    {
        if (_books.TryClaim(added, freed, out long excess)) return default;
        if (added > _options.MaxBytes) throw TooLarge(key, added);
        return _options.Evicts ? EvictAndClaimAsync(added, freed, operation, key) : throw Full(operation, key);
    }

    private async ValueTask EvictAndClaimAsync(long added, long freed, string operation, BlobKey? key)
    {
        // One at a time: others would take the same victims.
        await _evicting.WaitAsync().ConfigureAwait(false);
        try
        {
            while (!_books.TryClaim(added, freed, out long excess))
            {
                if (!await TryEvictAsync(excess).ConfigureAwait(false)) throw Full(operation, key);
            }
        }
        finally
        {
            _evicting.Release();
        }
    }

    private StorageException Full(string operation, BlobKey? key) =>
        new(StorageErrorKind.Full, $"Store '{_options.Name}' is full: it holds {_books.Bytes} of {_options.MaxBytes} bytes. "
            + (_options.Evicts && _isKept is not null ? "What is left must not be evicted before the tier below has it: look at what keeps it from being sent, or raise MaxBytes." : "Delete blobs or raise MaxBytes."))
        {
            Operation = operation, Key = key, Store = _options.Name,
        };

    /// <summary>Evicts blobs of so many bytes and, so that not every write has to, somewhat more.</summary>
    /// <returns>False if there is none left.</returns>
    private async ValueTask<bool> TryEvictAsync(long bytes)
    {
        long enough = bytes + Math.Min(_options.MaxBytes!.Value / 256, MostAhead);
        using DiskChange change = NewChange();
        List<(BlobKey Key, long Length)> victims;
        try
        {
            victims = ChooseVictims(change, enough);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw Error(e, "evict", null);
        }

        if (victims.Count == 0) return false;
        if (!await TryCommitAsync(change, "evict", null).ConfigureAwait(false)) return true;
        Interlocked.Add(ref _evictions, victims.Count);
        foreach ((BlobKey key, long length) in victims) Evicted?.Invoke(key, length);
        return true;
    }

    /// <summary>
    /// Second chance (CLOCK; Corbató, 1968) in the order of the log: the hand goes round, spares once what was read since it
    /// last passed, and takes the rest. So the oldest segments empty first, and compaction has little to move.
    /// </summary>
    private List<(BlobKey Key, long Length)> ChooseVictims(DiskChange change, long bytes)
    {
        var victims = new List<(BlobKey, long)>();
        var taken = new HashSet<BlobKey>();
        long now = _time.Now;

        // From where the hand is, then twice round: the last time nothing is spared, however often it is read meanwhile.
        for (int rounds = 0; victims.Count < MostVictims && change.Freed < bytes;)
        {
            if (_looked == _candidates.Count)
            {
                if (rounds > 2) break;
                if (!_hand.TryGather(LogKeyspace.Blobs, MostVictims, _candidates)) rounds++;
                _looked = 0;
                continue;
            }

            ReadOnlySpan<byte> name = _candidates.Key(_looked);
            LogLocation place = _candidates.Location(_looked++);
            if (!_log.TryLocate(name, out LogLocation location) || IsTombstone(location) || !_hand.IsStill(place, location)) continue;
            if (rounds < 2 && location.Flags.HasFlag(LogEntryFlags.Visited))
            {
                _log.Unvisit(name);
                continue;
            }

            BlobKey key = DiskKey.ToBlobKey(name);
            if (_isKept?.Invoke(key) == true) continue;
            DiskBlob victim = Find(key);
            if ((victim.Info is null && !victim.IsDamaged) || !taken.Add(key)) continue;
            Bury(change, key, victim, default, now);
            victims.Add((key, victim.Info?.Length ?? 0));
        }

        return victims;
    }
}
