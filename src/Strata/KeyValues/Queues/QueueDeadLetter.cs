namespace Strata;

/// <summary>A message that was given up; it stays until it is replayed or discarded.</summary>
/// <param name="Id">What it is replayed or discarded by.</param>
/// <param name="Value">What was enqueued.</param>
/// <param name="Attempts">How often it was delivered.</param>
/// <param name="Enqueued">When it was enqueued.</param>
/// <param name="GivenUp">When it was given up.</param>
/// <param name="Error">What the last handler failed with; type and message, at most 500 characters.</param>
public sealed record QueueDeadLetter(string Id, KvValue Value, int Attempts, DateTimeOffset Enqueued, DateTimeOffset GivenUp, string Error);
