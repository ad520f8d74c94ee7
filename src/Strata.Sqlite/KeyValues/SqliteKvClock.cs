namespace Strata.Sqlite;

/// <summary>
/// What time it is for a database: the wall clock, but never before what was seen, so that a clock set back revives nothing
/// that has expired. Each commit keeps in the file how late it was.
/// </summary>
internal sealed class SqliteKvClock(TimeProvider clock)
{
    private long _seen;

    /// <summary>Unix milliseconds.</summary>
    public long Now
    {
        get
        {
            long now = clock.GetUtcNow().ToUnixTimeMilliseconds();
            Saw(now);
            return Math.Max(now, Volatile.Read(ref _seen));
        }
    }

    /// <summary>It was this late once, Unix milliseconds.</summary>
    public void Saw(long time)
    {
        for (long seen = Volatile.Read(ref _seen); time > seen;)
        {
            long found = Interlocked.CompareExchange(ref _seen, time, seen);
            if (found == seen) return;
            seen = found;
        }
    }
}
