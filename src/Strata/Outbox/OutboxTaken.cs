namespace Strata;

/// <summary>What came of taking a key.</summary>
/// <param name="Lease">It is this worker's to send; null: it is not.</param>
/// <param name="Ended">So many pending rows are fewer: two became one, or one was given up.</param>
/// <param name="IsDead">It was given up.</param>
internal readonly record struct OutboxTaken(OutboxLease? Lease, int Ended, bool IsDead = false);
