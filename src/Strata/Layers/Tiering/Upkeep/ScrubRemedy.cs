namespace Strata;

/// <summary>What a scrub did about a fault.</summary>
public enum ScrubRemedy
{
    /// <summary>Nothing: it was a dry run, or could not be mended.</summary>
    None,

    /// <summary>The copy was dropped.</summary>
    Dropped,

    /// <summary>The copy was dropped and made again from the origin.</summary>
    Remade,

    /// <summary>The origin's blob was written again, as the same write, from a good copy.</summary>
    Repaired,
}
