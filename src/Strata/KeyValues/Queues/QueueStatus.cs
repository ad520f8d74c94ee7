namespace Strata;

/// <summary>What a queue holds.</summary>
/// <param name="Pending">Messages not yet handled, those being handled and those put off among them.</param>
/// <param name="Due">Of these, messages that wait for a listener now.</param>
/// <param name="DeadLetters">Messages given up.</param>
/// <param name="OldestDue">Since when the first of those due waits; null: none is.</param>
public sealed record QueueStatus(long Pending, long Due, long DeadLetters, DateTimeOffset? OldestDue);
