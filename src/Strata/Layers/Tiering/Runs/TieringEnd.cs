namespace Strata;

/// <summary>Why a tiering run ended.</summary>
public enum TieringEnd
{
    /// <summary>Everything that was due has been looked at.</summary>
    Done,

    /// <summary>A budget was used up.</summary>
    Budget,

    /// <summary>Blob after blob failed: a tier is out, and the run did not go on against it.</summary>
    Failures,
}
