namespace Strata;

/// <summary>A key with a change that the target does not have.</summary>
/// <param name="Key">The key.</param>
/// <param name="Enqueued">When it came.</param>
/// <param name="WasTaken">A worker has begun to send it, in this life of the process or in one before.</param>
/// <param name="IsDead">It was given up.</param>
internal readonly record struct OutboxPending(string Key, DateTimeOffset Enqueued, bool WasTaken, bool IsDead);
