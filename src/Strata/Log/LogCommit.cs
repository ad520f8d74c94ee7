namespace Strata;

/// <summary>What became of a batch.</summary>
/// <param name="IsApplied">False: an expectation of the batch did not hold, and nothing was written.</param>
/// <param name="Sequence">The batch's LSN.</param>
internal readonly record struct LogCommit(bool IsApplied, ulong Sequence);
