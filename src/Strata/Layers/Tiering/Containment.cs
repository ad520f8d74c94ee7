namespace Strata;

/// <summary>How many tiers of a tiered store hold a blob.</summary>
public enum Containment
{
    /// <summary>The last tier, the origin, holds all blobs; the tiers above it hold copies.</summary>
    Inclusive,

    /// <summary>
    /// Each blob lives in one home, a durable tier, which a placement index knows; volatile tiers on top hold copies. So a byte is
    /// paid for once, and losing the index costs a rebuild (<see cref="TieredStoreBuilder"/> makes it by itself).
    /// </summary>
    Exclusive,
}
