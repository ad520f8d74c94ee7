using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>A tier with what it has done since the store was opened.</summary>
internal class TierCounters(Tier tier, bool isOrigin, TimeProvider clock, ILogger log)
{
    private readonly ThreadCounter _hits = new();
    private readonly StripedCounter _misses = new();
    private readonly StripedCounter _errors = new();
    private readonly StripedCounter _timedReads = new();
    private readonly StripedCounter _readTicks = new();
    private volatile string? _lastError;

    public string Name => tier.Name;

    public IBlobStore Store => tier.Store;

    public StripedCounter Promotions { get; } = new();

    public StripedCounter Fills { get; } = new();

    public StripedCounter Repairs { get; } = new();

    public long Hits => _hits.Value;

    public bool Takes(long length) => tier.Takes(length);

    public void NoteHit() => _hits.Increment();

    public void NoteMiss() => _misses.Increment();

    /// <summary>Notes a read that this tier answered and that began at <paramref name="started"/> on the context's clock.</summary>
    public void NoteHit(long started)
    {
        _hits.Increment();
        _timedReads.Increment();
        _readTicks.Add(clock.GetElapsedTime(started).Ticks);
    }

    /// <summary>A failure that costs a copy or a detour, and not the caller's operation: counted, shown and logged.</summary>
    public void NoteError(Exception e, string operation, BlobKey key)
    {
        _errors.Increment();
        _lastError = e.Message;
        log.LogWarning(e, "Tier '{Tier}' failed to {Operation} '{Key}'", Name, operation, key);
    }

    public TierStatistics Snapshot()
    {
        long timed = _timedReads.Value;
        return TierStatistics.Of(Name, Store) with
        {
            IsOrigin = isOrigin,
            Hits = Hits,
            Misses = _misses.Value,
            Promotions = Promotions.Value,
            Fills = Fills.Value,
            Repairs = Repairs.Value,
            Errors = _errors.Value,
            LastError = _lastError,
            MeanReadMicroseconds = timed == 0 ? 0 : TimeSpan.FromTicks(_readTicks.Value / timed).TotalMicroseconds,
        };
    }
}
