namespace Strata;

/// <summary>What came of sending an intent, and why.</summary>
/// <param name="Kind">What.</param>
/// <param name="Error">Why; kept with the intent, at most 500 characters. Never a secret.</param>
public readonly record struct OutboxOutcome(OutboxOutcomeKind Kind, string Error = "")
{
    /// <summary>With <see cref="OutboxOutcomeKind.Later"/>: for how long; at most <see cref="OutboxOptions.LongestDelay"/> at a time.</summary>
    public TimeSpan Wait { get; init; }

    /// <summary>The target has the state.</summary>
    public static OutboxOutcome Done => new(OutboxOutcomeKind.Done);

    /// <summary>This intent failed.</summary>
    public static OutboxOutcome Failed(string error) => new(OutboxOutcomeKind.Failed, error);

    /// <summary>The whole target cannot be reached.</summary>
    public static OutboxOutcome Unreachable(string error) => new(OutboxOutcomeKind.Unreachable, error);

    /// <summary>It can never be sent.</summary>
    public static OutboxOutcome Poison(string error) => new(OutboxOutcomeKind.Poison, error);

    /// <summary>It is to be sent again after a while, which is no attempt.</summary>
    public static OutboxOutcome Later(TimeSpan wait, string error) => new(OutboxOutcomeKind.Later, error) { Wait = wait };
}
