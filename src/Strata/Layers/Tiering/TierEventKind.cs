namespace Strata;

/// <summary>What happened to a copy.</summary>
public enum TierEventKind
{
    /// <summary>Copied up because of a read, or by hand.</summary>
    Promoted,

    /// <summary>Dropped by the tier to make room.</summary>
    Evicted,

    /// <summary>Dropped because it was damaged or not the origin's write; a read went on to the next tier.</summary>
    Repaired,

    /// <summary>Dropped because somebody asked for that: an invalidation, or a tier that was emptied.</summary>
    Invalidated,

    /// <summary>Taken to a slower tier.</summary>
    Demoted,

    /// <summary>Served past its freshness, as the origin could not be reached; noted once for each question that failed.</summary>
    ServedStale,
}
