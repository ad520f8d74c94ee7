namespace Strata;

/// <summary>What is committed together: all mutations, in their order, if all checks hold.</summary>
public sealed class AtomicWrite
{
    /// <summary>What must hold.</summary>
    public IReadOnlyList<KvCheck> Checks { get; init; } = [];

    /// <summary>What is done; a later mutation of a key sees what an earlier one did.</summary>
    public IReadOnlyList<KvMutation> Mutations { get; init; } = [];
}
