namespace Strata;

/// <summary>What a write, update or copy came to.</summary>
public enum WriteStatus
{
    /// <summary>Committed.</summary>
    Written,

    /// <summary>The condition did not hold; nothing was changed.</summary>
    PreconditionFailed,

    /// <summary>The blob to update, or the source of a copy, does not exist; nothing was changed.</summary>
    Missing,
}
