namespace Strata;

/// <summary>Where a tiered store acknowledges writes, and what they leave in the tiers above.</summary>
public enum TieringWrites
{
    /// <summary>At the origin; copies go into the faster tiers that take them.</summary>
    Through,

    /// <summary>At the origin, past the faster tiers: reads alone make copies. For data that is written and seldom read soon.</summary>
    Around,

    /// <summary>
    /// At the tier above the origin, which must be a disk store that flushes: the origin gets them afterwards
    /// (<see cref="WriteBackOptions"/>), and until then lacks them.
    /// </summary>
    Back,
}
