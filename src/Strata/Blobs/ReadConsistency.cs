namespace Strata;

/// <summary>Which copies may answer a read.</summary>
public enum ReadConsistency
{
    /// <summary>The fastest trusted copy: what the stack promises (see each layer).</summary>
    Default,

    /// <summary>The source of truth alone; upper copies are neither asked nor filled.</summary>
    Origin,
}
