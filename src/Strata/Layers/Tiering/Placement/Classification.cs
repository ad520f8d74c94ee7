namespace Strata;

/// <summary>The tier that a blob belongs in.</summary>
/// <param name="Index">Its place among the tiers; 0 is the fastest.</param>
/// <param name="Tier">Its name.</param>
/// <param name="Cause">What decided.</param>
/// <param name="Due">
/// When the blob will belong in a slower tier if nobody uses it until then, or at the latest then, where it is the number of its
/// accesses that keeps it here; null if it stays for good.
/// </param>
/// <param name="DueIndex">The place of that slower tier; the same as <paramref name="Index"/> where there is none.</param>
public readonly record struct Classification(int Index, string Tier, PlacementCause Cause, DateTimeOffset? Due, int DueIndex);
