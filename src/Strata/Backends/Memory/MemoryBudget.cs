namespace Strata;

/// <summary>Bytes that may be held, and those that are: payloads, keys, metadata, bookkeeping, and what is being written.</summary>
internal sealed class MemoryBudget(long limit)
{
    private long _limit = limit;
    private long _used;

    public long Limit
    {
        get => Volatile.Read(ref _limit);
        set => Volatile.Write(ref _limit, value);
    }

    public long Used => Volatile.Read(ref _used);

    /// <summary>How much too much is held; 0 or less if all is well.</summary>
    public long Excess => Used - Limit;

    /// <summary>Takes bytes whether there is room or not; a negative number gives some back.</summary>
    public void Add(long bytes)
    {
        if (bytes != 0) Interlocked.Add(ref _used, bytes);
    }

    /// <summary>Takes bytes if there is room, or gives some back.</summary>
    public bool TryAdd(long bytes)
    {
        for (long used = Used; bytes <= 0 || used + bytes <= Limit;)
        {
            long seen = Interlocked.CompareExchange(ref _used, used + bytes, used);
            if (seen == used) return true;
            used = seen;
        }

        return false;
    }
}
