namespace Strata;

/// <summary>What an opener is told besides the address.</summary>
public sealed record StoreOpening
{
    /// <summary>The store's name in messages and results: its tier's or its own.</summary>
    public required string Name { get; init; }

    /// <summary>True if the store is to hold copies of what a lower tier keeps: it may evict, and need not flush.</summary>
    public bool IsCopy { get; init; }

    /// <summary>True, beside <see cref="IsCopy"/>, if the store also acknowledges writes before the tier below has them: then it must flush.</summary>
    public bool IsCommitPoint { get; init; }

    /// <summary>Capacity in bytes; null for the store's default.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>The longest blob, in bytes, that a store of copies is to take; null for the store's default.</summary>
    public long? MaxBlobBytes { get; init; }

    /// <summary>Clock, loggers, buffers.</summary>
    public StoreContext Context { get; init; } = StoreContext.Default;
}
