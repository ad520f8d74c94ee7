namespace Strata;

/// <summary>What decides in which tier a blob belongs. Durations are ages: time since the blob was last read or written.</summary>
public sealed record TieringPolicy
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(36500);
    private static readonly TimeSpan LongestWindow = TimeSpan.FromDays(3650);

    /// <summary>The age at which a blob leaves the hottest tier. 0 to 100 years; default 1 hour.</summary>
    public TimeSpan HotFor { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// The age at which it leaves the tier after the hottest, if that is not the last one; at least <see cref="HotFor"/>.
    /// Default 24 hours. Further tiers but the last one keep it for as long again, unless <see cref="TierPlan.KeepFor"/> says otherwise.
    /// </summary>
    public TimeSpan WarmFor { get; init; } = TimeSpan.FromHours(24);

    /// <summary>A blob with this many accesses within <see cref="AccessWindow"/> belongs in the hottest tier, whatever its age. 1 or more; default 5.</summary>
    public int AccessCountThreshold { get; init; } = 5;

    /// <summary>The window in which accesses are counted, to about a seventh of it. 10 s to 10 years; default 1 hour.</summary>
    public TimeSpan AccessWindow { get; init; } = TimeSpan.FromHours(1);

    /// <summary>True (default): a read copies the blob into the faster tiers. False: only a read that reaches <see cref="AccessCountThreshold"/> does.</summary>
    public bool PromoteOnRead { get; init; } = true;

    /// <summary>The window over which use is watched for its fall, to about a seventh of it. 10 s to 10 years; default 7 days.</summary>
    public TimeSpan HistoryWindow { get; init; } = TimeSpan.FromDays(7);

    /// <summary>
    /// A blob that is at least <see cref="ColdAge"/> old and has fewer accesses than this within <see cref="HistoryWindow"/> is
    /// predicted to be cold: it belongs one tier below the one that its age says. 0 predicts nothing; default 3.
    /// </summary>
    public int ColdPredictionThreshold { get; init; } = 3;

    /// <summary>How long a blob must have been known before it is predicted to be cold. 0 to 100 years; default 7 days.</summary>
    public TimeSpan ColdAge { get; init; } = TimeSpan.FromDays(7);

    /// <summary>
    /// The share of a tier's capacity, 0 to 1, from which on it keeps blobs for a shorter time: the time shrinks evenly, to nothing
    /// where the tier is full. 1: never. Default 0.9.
    /// </summary>
    public double PressureFrom { get; init; } = 0.9;

    /// <summary>Where blobs of some names belong; the first rule that matches decides. Default none.</summary>
    public IReadOnlyList<PlacementRule> Rules { get; init; } = [];

    /// <summary>
    /// Whether a blob's use has fallen so far that it will be cold: known for <see cref="ColdAge"/>, and fewer than
    /// <see cref="ColdPredictionThreshold"/> accesses within <see cref="HistoryWindow"/>.
    /// </summary>
    /// <param name="use">How it was used.</param>
    /// <param name="knownSince">When it was first seen or written.</param>
    /// <param name="now">The time of the question.</param>
    public bool IsPredictedCold(KeyUse use, DateTimeOffset knownSince, DateTimeOffset now) =>
        now - knownSince >= ColdAge && AccessScale.CountAt(use.HistoryAccesses, use.LastAccess, HistoryWindow, now) < ColdPredictionThreshold;

    /// <summary>Whether a read of a blob with this use is to be followed by a copy into the faster tiers.</summary>
    public bool Promotes(KeyUse use) => PromoteOnRead || use.Accesses >= AccessCountThreshold;

    /// <exception cref="ArgumentException">A setting is out of its range; the message names it.</exception>
    internal void Check()
    {
        CheckTime(HotFor, TimeSpan.Zero, Longest, nameof(HotFor));
        CheckTime(WarmFor, HotFor, Longest, nameof(WarmFor));
        CheckTime(AccessWindow, Shortest, LongestWindow, nameof(AccessWindow));
        CheckTime(HistoryWindow, Shortest, LongestWindow, nameof(HistoryWindow));
        CheckTime(ColdAge, TimeSpan.Zero, Longest, nameof(ColdAge));
        if (AccessCountThreshold < 1) throw new ArgumentException($"AccessCountThreshold is 1 or more, not {AccessCountThreshold}.", nameof(AccessCountThreshold));
        if (ColdPredictionThreshold < 0) throw new ArgumentException($"ColdPredictionThreshold is 0 or more, not {ColdPredictionThreshold}.", nameof(ColdPredictionThreshold));
        if (!(PressureFrom is >= 0 and <= 1)) throw new ArgumentException($"PressureFrom is a share from 0 to 1, not {PressureFrom}.", nameof(PressureFrom));
        if (AccessCountThreshold > AccessScale.MostCounted) throw new ArgumentException($"AccessCountThreshold is at most {AccessScale.MostCounted}, beyond which accesses are not counted; it is {AccessCountThreshold}.", nameof(AccessCountThreshold));
        if (ColdPredictionThreshold > AccessScale.MostCounted) throw new ArgumentException($"ColdPredictionThreshold is at most {AccessScale.MostCounted}, beyond which accesses are not counted; it is {ColdPredictionThreshold}.", nameof(ColdPredictionThreshold));
    }

    private static void CheckTime(TimeSpan time, TimeSpan least, TimeSpan most, string name)
    {
        if (time < least || time > most) throw new ArgumentException($"{name} is {least} to {most.TotalDays} days, not {time}.", name);
    }
}
