namespace Strata;

/// <summary>What a scrub found wrong.</summary>
public enum ScrubFault
{
    /// <summary>A copy of another write than the one that the origin holds.</summary>
    Stale,

    /// <summary>A copy of a blob that the origin does not hold.</summary>
    Orphan,

    /// <summary>A copy whose bytes or record are damaged.</summary>
    DamagedCopy,

    /// <summary>A blob whose bytes or record at the origin are damaged.</summary>
    DamagedOrigin,

    /// <summary>A tier that failed to list or to read: its copies were not looked at.</summary>
    Unreadable,
}
