namespace Strata;

/// <summary>How a key was used, as far as it is remembered; default for one that never was, or that was forgotten.</summary>
public readonly record struct KeyUse
{
    /// <summary>
    /// Accesses within <see cref="TieringPolicy.AccessWindow"/>: all of the window, and at most a seventh of it more. Counted up to
    /// about 1,800 (255 in a seventh of the window).
    /// </summary>
    public int Accesses { get; init; }

    /// <summary>The same within <see cref="TieringPolicy.HistoryWindow"/>.</summary>
    public int HistoryAccesses { get; init; }

    /// <summary>When it was last used, to the second of its being noted (<see cref="AccessTracker.RecordAccess"/>); null for never.</summary>
    public DateTimeOffset? LastAccess { get; init; }

    /// <summary>When it was first used, as far as it is remembered; null for never.</summary>
    public DateTimeOffset? FirstSeen { get; init; }

    /// <summary>All its accesses, each worth half after <see cref="AccessTrackerOptions.ScoreHalfLife"/>: higher is hotter.</summary>
    public double Score { get; init; }
}
