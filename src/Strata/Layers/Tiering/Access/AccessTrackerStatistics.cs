namespace Strata;

/// <summary>What a tracker holds, and what it has done since it was made.</summary>
public readonly record struct AccessTrackerStatistics
{
    /// <summary>Keys that are remembered.</summary>
    public int Keys { get; init; }

    /// <summary>Memory that they take, bytes; besides, each thread that reads has 4 KiB.</summary>
    public long Bytes { get; init; }

    /// <summary>Keys whose use has changed since it was last written.</summary>
    public int Changed { get; init; }

    /// <summary>Keys that were forgotten to make room.</summary>
    public long Forgotten { get; init; }

    /// <summary>Accesses for which others stand, because they came faster than they could be noted.</summary>
    public long Dropped { get; init; }
}
