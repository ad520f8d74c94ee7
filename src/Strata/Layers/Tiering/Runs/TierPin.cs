namespace Strata;

/// <summary>A key that a person keeps in a tier.</summary>
/// <param name="Key">The key; there need be no blob of it.</param>
/// <param name="Tier">The tier.</param>
public readonly record struct TierPin(BlobKey Key, string Tier);
