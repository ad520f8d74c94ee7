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
            Saw(clock.GetUtcNow());
            return DateTimeOffset.FromUnixTimeMilliseconds(Volatile.Read(ref _seen));
        }
    }

    /// <summary>It was this late once, as others know.</summary>
    public void Saw(DateTimeOffset moment)
    {
        long time = moment.ToUnixTimeMilliseconds();
        for (long seen = Volatile.Read(ref _seen); time > seen;)
        {
            long before = Interlocked.CompareExchange(ref _seen, time, seen);
            if (before == seen) return;
            seen = before;
        }
    }
}
