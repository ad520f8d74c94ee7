namespace Strata;

/// <summary>What came of sending an intent.</summary>
public enum OutboxOutcomeKind
{
    /// <summary>The target has the state; the intent is over.</summary>
    Done,

    /// <summary>This intent failed: it is tried again after a while, a limited number of times.</summary>
    Failed,

    /// <summary>
    /// The whole target cannot be reached. That says nothing about the intent, so it is no attempt: nothing but one intent at a
    /// time is sent, to see whether the target is back.
    /// </summary>
    Unreachable,

    /// <summary>It can never be sent: it becomes a dead letter at once.</summary>
    Poison,

    /// <summary>It is to be sent again after <see cref="OutboxOutcome.Wait"/>. That is no attempt: nothing is wrong with the intent.</summary>
    Later,
}
