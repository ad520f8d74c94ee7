namespace Strata;

/// <summary>A move that a run would make.</summary>
/// <param name="Key">The blob.</param>
/// <param name="From">The tier that it is in.</param>
/// <param name="To">The tier that it belongs in.</param>
/// <param name="Length">Its length, in bytes.</param>
/// <param name="Cause">What decides that it belongs there.</param>
public readonly record struct PlannedMove(BlobKey Key, string From, string To, long Length, PlacementCause Cause);
