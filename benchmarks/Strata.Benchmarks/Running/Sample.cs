namespace Strata.Benchmarks;

/// <summary>What one lane did in one round.</summary>
internal readonly record struct Sample(TimeSpan Elapsed, long Operations, long AllocatedBytes);
