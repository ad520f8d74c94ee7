namespace Strata;

/// <summary>How far a tiering run goes.</summary>
public sealed record TieringRun
{
    /// <summary>The most blobs that it moves; null for no limit. 1 or more.</summary>
    public long? MaxOperations { get; init; }

    /// <summary>
    /// The most bytes that it copies; null for no limit. 1 or more. Dropping a copy costs none. A single blob that is longer is moved all the same
    /// if it is the run's first: else it would never go.
    /// </summary>
    public long? MaxBytes { get; init; }

    /// <summary>True: nothing is moved, and the report lists what would be. Budgets count as if it were.</summary>
    public bool DryRun { get; init; }

    /// <summary>The most moves that the report of a dry run lists. 0 to 100,000; default 1,000.</summary>
    public int MaxListed { get; init; } = 1000;

    /// <summary>Refuses what is out of range.</summary>
    internal void Check()
    {
        if (MaxOperations < 1) throw new ArgumentException($"MaxOperations is 1 or more, not {MaxOperations}.", nameof(MaxOperations));
        if (MaxBytes < 1) throw new ArgumentException($"MaxBytes is 1 or more, not {MaxBytes}.", nameof(MaxBytes));
        if (MaxListed is < 0 or > 100_000) throw new ArgumentException($"MaxListed is 0 to 100,000, not {MaxListed}.", nameof(MaxListed));
    }
}
