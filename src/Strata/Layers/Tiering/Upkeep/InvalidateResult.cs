namespace Strata;

/// <summary>What an invalidation came to.</summary>
public sealed record InvalidateResult
{
    /// <summary>Copies dropped; a blob that three tiers held counts as three. Exact if <see cref="IsExact"/>, else at least so many.</summary>
    public long Copies { get; init; }

    /// <summary>True if every tier was looked through and dropped what it had.</summary>
    public bool IsExact => Unconfirmed.Count == 0;

    /// <summary>
    /// Tiers that could not be looked through, or did not confirm a drop: copies may be left in them. None is served before it has been
    /// compared with the origin.
    /// </summary>
    public IReadOnlyList<string> Unconfirmed { get; init; } = [];

    /// <summary>Keys whose copies stay, because a change of unknown outcome is pending: no tier serves them (<see cref="DoubtStatus"/>).</summary>
    public long InDoubt { get; init; }
}
