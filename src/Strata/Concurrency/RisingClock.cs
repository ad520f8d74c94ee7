namespace Strata;

/// <summary>The wall clock in whole milliseconds, but never before what was seen: a clock that is set back revives nothing that has expired.</summary>
internal sealed class RisingClock(TimeProvider clock)
{
    private long _seen = long.MinValue;

    /// <summary>What time it is.</summary>
    public DateTimeOffset Now
    {
        get
        {
            long now = clock.GetUtcNow().ToUnixTimeMilliseconds(), seen = Volatile.Read(ref _seen);
            while (now > seen)
            {
                long before = Interlocked.CompareExchange(ref _seen, now, seen);
                if (before == seen) break;
                seen = before;
            }

            return DateTimeOffset.FromUnixTimeMilliseconds(Math.Max(now, seen));
        }
    }
}
