namespace Strata.Benchmarks;

/// <summary>What one lane did in one round.</summary>
/// <param name="Elapsed">How long it took.</param>
/// <param name="Operations">What was done.</param>
/// <param name="AllocatedBytes">What this process allocated for it.</param>
/// <param name="ServerTime">What a server in another process used of the processor; zero where there is none.</param>
internal readonly record struct Sample(TimeSpan Elapsed, long Operations, long AllocatedBytes, TimeSpan ServerTime = default);
