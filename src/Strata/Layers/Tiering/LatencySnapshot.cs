namespace Strata;

/// <summary>What a histogram of times says.</summary>
/// <param name="Count">How many were counted.</param>
/// <param name="P50">Half of them took no longer.</param>
/// <param name="P99">99 of 100 took no longer.</param>
internal readonly record struct LatencySnapshot(long Count, TimeSpan P50, TimeSpan P99);
