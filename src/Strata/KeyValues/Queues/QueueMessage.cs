namespace Strata;

/// <summary>A message as it is delivered.</summary>
/// <param name="Id">The same at every delivery: what a handler that must not act twice remembers.</param>
/// <param name="Value">What was enqueued.</param>
/// <param name="Attempt">1 for the first delivery.</param>
/// <param name="Enqueued">When it was enqueued, by the clock of whoever did.</param>
public sealed record QueueMessage(string Id, KvValue Value, int Attempt, DateTimeOffset Enqueued);
