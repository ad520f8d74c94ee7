using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>Which copies are served past their freshness: while they are confirmed in the background, or because the origin is out. And of which keys the origin is left alone for a while.</summary>
/// <remarks>Held off are keys, not the origin: one key's failure says nothing of the others. In bounded memory: what is forgotten costs a question.</remarks>
internal sealed class Staleness(TieringOptions options, Trust trust, TimeProvider clock, ILogger log)
{
    private const int MostHeldOff = 1 << 16;
    private readonly TimeSpan _revalidatedFor = options.FreshFor!.Value + options.StaleWhileRevalidate;
    private readonly ConcurrentDictionary<BlobKey, long> _heldOff = new();
    private readonly StripedCounter _served = new();
    private int _count;
    private long _loggedAt = long.MinValue;

    /// <summary>Whether reads go on, for a stated time, when the origin is out.</summary>
    public bool IsFailSafe => options.FailSafeFor is not null;

    /// <summary>Whether the copy may be served while the origin is asked in the background.</summary>
    public bool IsRevalidated(BlobInfo copy) => options.StaleWhileRevalidate > TimeSpan.Zero && trust.WasSeen(copy, _revalidatedFor, out _);

    /// <summary>Whether the copy may be served because the origin is out, and if so when it was confirmed.</summary>
    public bool IsSafe(BlobInfo copy, out DateTimeOffset since)
    {
        since = default;
        if (options.FailSafeFor is not { } limit || !trust.WasSeen(copy, limit, out TimeSpan ago)) return false;
        since = clock.GetUtcNow() - ago;
        return true;
    }

    /// <summary>Whether the origin was asked for the key in vain a short while ago.</summary>
    public bool IsHeldOff(BlobKey key) => _heldOff.TryGetValue(key, out long until) && clock.GetTimestamp() < until;

    /// <summary>The origin was asked for the key in vain.</summary>
    public void HoldOff(BlobKey key)
    {
        if (options.FailSafeThrottle == TimeSpan.Zero) return;
        if (!_heldOff.ContainsKey(key) && Interlocked.Increment(ref _count) > MostHeldOff)
        {
            _heldOff.Clear();
            Volatile.Write(ref _count, 1);
        }

        _heldOff[key] = clock.GetTimestamp() + (long)(options.FailSafeThrottle.TotalSeconds * clock.TimestampFrequency);
    }

    /// <summary>The origin has answered.</summary>
    public void Lift(BlobKey key)
    {
        if (Volatile.Read(ref _count) > 0 && _heldOff.TryRemove(key, out _)) Interlocked.Decrement(ref _count);
    }

    /// <summary>Says, at most once in the time for which a key is held off, that the origin is out and reads go on.</summary>
    public void NoteServed(UpperTier tier, BlobKey key, Exception? cause)
    {
        tier.StaleReads.Increment();
        _served.Increment();
        long now = clock.GetTimestamp(), last = Volatile.Read(ref _loggedAt);
        if (cause is null || (last != long.MinValue && clock.GetElapsedTime(last, now) < options.FailSafeThrottle) || Interlocked.CompareExchange(ref _loggedAt, now, last) != last) return;
        log.LogWarning(cause, "The origin of '{Store}' cannot be reached: reads are answered with copies past their freshness, '{Key}' from tier '{Tier}'; {Count} so far", options.Name, key, tier.Name, _served.Value);
    }
}
