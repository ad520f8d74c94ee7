namespace Strata;

/// <summary>What time it is for a database: the wall clock, but never before what was seen, so that a clock set back revives nothing that has expired.</summary>
internal sealed class DiskKvClock(TimeProvider clock)
{
    private long _seen;

    /// <summary>Unix milliseconds; never less than before.</summary>
    public long Now
    {
        get
        {
            Saw(clock.GetUtcNow().ToUnixTimeMilliseconds());
            return Volatile.Read(ref _seen);
        }
    }

    /// <summary>It was this late once, Unix milliseconds.</summary>
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
