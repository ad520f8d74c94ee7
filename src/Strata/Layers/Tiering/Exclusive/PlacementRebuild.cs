namespace Strata;

/// <summary>What a rebuild of a placement index has come to so far.</summary>
/// <param name="Tier">The tier that is being listed.</param>
/// <param name="Listed">Blobs listed, in all tiers.</param>
/// <param name="Placed">Blobs that have their home.</param>
/// <param name="Leftovers">Older copies, or such of deleted blobs, that are removed afterwards.</param>
internal readonly record struct PlacementRebuild(string Tier, long Listed, long Placed, long Leftovers);
