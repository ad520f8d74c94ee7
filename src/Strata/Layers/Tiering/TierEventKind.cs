namespace Strata;

/// <summary>What happened to a copy.</summary>
public enum TierEventKind
{
    /// <summary>Copied up because of a read.</summary>
    Promoted,

    /// <summary>Dropped by the tier to make room.</summary>
    Evicted,

    /// <summary>Dropped because it was damaged or not the origin's write; a read went on to the next tier.</summary>
    Repaired,
}
