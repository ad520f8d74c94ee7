namespace Strata;

/// <summary>What decided on a blob's tier.</summary>
public enum PlacementCause
{
    /// <summary>Time since its last read or write.</summary>
    Age,

    /// <summary>Accesses within the window: it is used often.</summary>
    Frequency,

    /// <summary>It is old and hardly used (<see cref="TieringPolicy.IsPredictedCold"/>).</summary>
    PredictedCold,

    /// <summary>The tier that its age says is nearly full.</summary>
    CapacityPressure,

    /// <summary>It is too long for a faster tier.</summary>
    Size,

    /// <summary>A rule by its name.</summary>
    Rule,

    /// <summary>A person pinned it.</summary>
    Pin,
}
