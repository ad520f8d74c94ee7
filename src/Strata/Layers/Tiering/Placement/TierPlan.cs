namespace Strata;

/// <summary>What a classifier knows of a tier: no store, only what decides who belongs in it.</summary>
public sealed record TierPlan
{
    /// <summary>The tier's name, unique among the tiers.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// The age at which a blob leaves it; null for what <see cref="TieringPolicy"/> says. No less than that of the tier before.
    /// Ignored for the last tier, which a blob leaves only upwards.
    /// </summary>
    public TimeSpan? KeepFor { get; init; }

    /// <summary>The longest blob, in bytes, that belongs here; null for any. Ignored for the last tier.</summary>
    public long? MaxBlobBytes { get; init; }
}
