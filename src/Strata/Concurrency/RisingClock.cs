namespace Strata;

/// <summary>The wall clock in whole milliseconds, but never before what was seen: a clock that is set back revives nothing that has expired.</summary>
internal sealed class RisingClock(TimeProvider clock)
{
    private long _seen = long.MinValue;

    /// <summary>What time it is.</summary>
    public DateTimeOffset Now => DateTimeOffset.FromUnixTimeMilliseconds(Milliseconds);

    /// <summary>The same, Unix milliseconds.</summary>
    public long Milliseconds
    {
        get
        {
            Saw(clock.GetUtcNow().ToUnixTimeMilliseconds());
            return Volatile.Read(ref _seen);
        }
    }

    /// <summary>It was this late once, Unix milliseconds; what a restart begins with.</summary>
    public void Saw(long time)
    {
        // Written once a millisecond, however many look.
        for (long seen = Volatile.Read(ref _seen); time > seen;)
        {
            long before = Interlocked.CompareExchange(ref _seen, time, seen);
            if (before == seen) return;
            seen = before;
        }
    }
}
