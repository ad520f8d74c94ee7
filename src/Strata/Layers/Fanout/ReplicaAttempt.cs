namespace Strata;

/// <summary>What a change came to at one layer.</summary>
/// <param name="Replica">The layer.</param>
/// <param name="Error">Why it does not have the change, or may not; null: it has it.</param>
/// <param name="Outcome">Of an error, whether the layer may have it all the same.</param>
internal readonly record struct ReplicaAttempt(Replica Replica, string? Error = null, WriteOutcome Outcome = WriteOutcome.NotApplied)
{
    public bool IsApplied => Error is null;

    public override string ToString() => $"'{Replica.Name}' {(IsApplied ? "has it" : Outcome == WriteOutcome.NotApplied ? $"does not have it ({Error})" : $"may have it ({Error})")}";
}
