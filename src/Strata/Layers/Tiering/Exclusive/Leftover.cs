namespace Strata;

/// <summary>A tier that may hold bytes of a key that lives elsewhere, or nowhere: they are to be removed.</summary>
/// <param name="Tier">The tier.</param>
/// <param name="Version">The highest version that the bytes may have; none: not known.</param>
/// <param name="PendingUntil">Until when a request for the key may still come through there, so that nothing new may be put there; null: none is under way.</param>
internal sealed record Leftover(string Tier, BlobVersion Version, DateTimeOffset? PendingUntil = null);
