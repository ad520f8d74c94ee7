namespace Strata.Workload;

/// <summary>What a writer does at once.</summary>
/// <param name="Kind">What.</param>
/// <param name="Key">To which of its keys.</param>
/// <param name="Length">Bytes of the content, if there is one.</param>
internal readonly record struct Step(StepKind Kind, int Key, int Length);
