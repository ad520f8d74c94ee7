namespace Strata;

/// <summary>An outcome for each key of a bulk delete, in the order asked.</summary>
public sealed class DeleteManyResult(IReadOnlyList<DeleteOutcome> outcomes)
{
    /// <summary>One outcome a key, in the order asked.</summary>
    public IReadOnlyList<DeleteOutcome> Outcomes { get; } = outcomes;

    /// <summary>How many blobs were there and are gone.</summary>
    public int Deleted => Outcomes.Count(o => o.Status == DeleteStatus.Deleted);

    /// <summary>True if no key failed.</summary>
    public bool IsComplete => Outcomes.All(o => o.Status != DeleteStatus.Failed);
}
