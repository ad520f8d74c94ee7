namespace Strata;

/// <summary>
/// How accesses are counted and forgotten. Times are whole seconds since 1970. A window is counted in eight lanes of a byte each,
/// a seventh of the window wide: the newest is under way, so that the lanes hold the whole window and at most a seventh more.
/// </summary>
internal sealed class AccessScale
{
    /// <summary>What seven full lanes hold: a larger count may not be reached within a window.</summary>
    public const int MostCounted = 7 * byte.MaxValue;

    private const int Lanes = 8;
    private readonly float _halfLife;

    public AccessScale(TieringPolicy policy, TimeSpan halfLife)
    {
        RecentLane = LaneOf(policy.AccessWindow);
        HistoryLane = LaneOf(policy.HistoryWindow);
        _halfLife = (float)halfLife.TotalSeconds;
    }

    /// <summary>Seconds of a lane of the access window.</summary>
    public uint RecentLane { get; }

    /// <summary>Seconds of a lane of the history window.</summary>
    public uint HistoryLane { get; }

    /// <summary>After this long without an access surely none is counted.</summary>
    public static TimeSpan HorizonOf(TimeSpan window) => TimeSpan.FromSeconds((double)LaneOf(window) * Lanes);

    /// <summary>What a count comes to at a later time, if there was no access since: nothing is sure to be gone before the horizon.</summary>
    public static int CountAt(int count, DateTimeOffset? lastAccess, TimeSpan window, DateTimeOffset now) => lastAccess is { } last && now - last >= HorizonOf(window) ? 0 : count;

    public static uint SecondsOf(DateTimeOffset time) => (uint)Math.Clamp(time.ToUnixTimeSeconds(), 0, uint.MaxValue);

    public static DateTimeOffset TimeOf(uint seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds);

    /// <summary>Counts accesses of a key.</summary>
    /// <param name="entry">The key.</param>
    /// <param name="now">When. Before the last access: the clock was set back, and this is the last access from now on.</param>
    /// <param name="weight">How many, 1 or more; one that stands for others may be a fraction.</param>
    public void Note(ref AccessEntry entry, uint now, float weight)
    {
        entry.Score = ScoreAt(entry, now) + weight;
        entry.Recent = Add(Shifted(entry.Recent, entry.Last, now, RecentLane), weight);
        entry.History = Add(Shifted(entry.History, entry.Last, now, HistoryLane), weight);
        entry.Last = now;
        if (entry.First > now) entry.First = now;
    }

    /// <summary>Adds what was known of the same key from before to what has been noted since.</summary>
    public void Merge(ref AccessEntry entry, in AccessEntry earlier)
    {
        uint now = Math.Max(entry.Last, earlier.Last);
        entry.Score = ScoreAt(entry, now) + ScoreAt(earlier, now);
        entry.Recent = Sum(Shifted(entry.Recent, entry.Last, now, RecentLane), Shifted(earlier.Recent, earlier.Last, now, RecentLane));
        entry.History = Sum(Shifted(entry.History, entry.Last, now, HistoryLane), Shifted(earlier.History, earlier.Last, now, HistoryLane));
        entry.First = Math.Min(entry.First, earlier.First);
        entry.Last = now;
    }

    public KeyUse UseAt(in AccessEntry entry, uint now) => new()
    {
        Accesses = Total(Shifted(entry.Recent, entry.Last, now, RecentLane)),
        HistoryAccesses = Total(Shifted(entry.History, entry.Last, now, HistoryLane)),
        LastAccess = TimeOf(entry.Last),
        FirstSeen = TimeOf(entry.First),
        Score = ScoreAt(entry, now),
    };

    public float ScoreAt(in AccessEntry entry, uint now) => now <= entry.Last ? entry.Score : entry.Score * float.Exp2(-(now - entry.Last) / _halfLife);

    /// <summary>The sum of the eight bytes.</summary>
    internal static int Total(ulong lanes)
    {
        const ulong EverySecond = 0x00FF00FF00FF00FF;
        ulong pairs = (lanes & EverySecond) + ((lanes >> 8) & EverySecond);
        return (int)((pairs * 0x0001000100010001) >> 48);
    }

    /// <summary>The lanes as they stand at a later time: the newest is the lowest byte.</summary>
    internal static ulong Shifted(ulong lanes, uint last, uint now, uint lane)
    {
        uint passed = now <= last ? 0 : (now / lane) - (last / lane);
        return passed >= Lanes ? 0 : lanes << (int)(8 * passed);
    }

    private static uint LaneOf(TimeSpan window) => (uint)Math.Clamp(Math.Ceiling(window.TotalSeconds / (Lanes - 1)), 1, uint.MaxValue / (2 * Lanes));

    private static ulong Add(ulong lanes, float weight)
    {
        // A fraction counts as often as it is large, so that counts are right on average.
        float whole = MathF.Floor(weight), part = weight - whole;
        float count = part > 0 && Random.Shared.NextSingle() < part ? whole + 1 : whole;
        ulong newest = (lanes & byte.MaxValue) + (ulong)Math.Min(count, byte.MaxValue);
        return (lanes & ~(ulong)byte.MaxValue) | Math.Min(newest, byte.MaxValue);
    }

    private static ulong Sum(ulong left, ulong right)
    {
        ulong sum = 0;
        for (int shift = 0; shift < 64; shift += 8) sum |= Math.Min(((left >> shift) & byte.MaxValue) + ((right >> shift) & byte.MaxValue), byte.MaxValue) << shift;
        return sum;
    }
}
