namespace Strata.Workload;

/// <summary>What a writer was told of a step.</summary>
internal enum StepResult
{
    Applied,

    /// <summary>There was nothing to change or to delete.</summary>
    Unchanged,

    NotApplied,

    /// <summary>A delete of several of which some were refused, each for itself.</summary>
    Partly,

    Unknown,
}
