namespace Strata.Workload;

/// <summary>What a writer was told of a step.</summary>
internal enum StepResult
{
    Applied,

    NotApplied,

    Unknown,
}
