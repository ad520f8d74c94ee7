namespace Strata;

/// <summary>What the index says of itself.</summary>
/// <param name="IsWhole">False while it is being rebuilt.</param>
/// <param name="Tiers">The tiers that its rows name.</param>
internal sealed record PlacementHeader(bool IsWhole, IReadOnlyList<string> Tiers);
