namespace Strata;

/// <summary>An outcome for each write of a batch, in the order asked.</summary>
public sealed class WriteManyResult(IReadOnlyList<BlobWriteOutcome> outcomes)
{
    /// <summary>One outcome a write, in the order asked.</summary>
    public IReadOnlyList<BlobWriteOutcome> Outcomes { get; } = outcomes;

    /// <summary>How many were committed.</summary>
    public int Written => Outcomes.Count(o => o.Result?.IsWritten == true);

    /// <summary>True if no write failed; a condition that did not hold is no failure.</summary>
    public bool IsComplete => Outcomes.All(o => o.Error is null);
}
