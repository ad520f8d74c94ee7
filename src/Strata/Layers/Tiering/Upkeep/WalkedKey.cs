namespace Strata;

/// <summary>A key that a walk came to.</summary>
/// <param name="Key">The blob.</param>
/// <param name="Held">What each store says of it, in the stores' order; null where it is not there.</param>
internal readonly record struct WalkedKey(BlobKey Key, IReadOnlyList<BlobInfo?> Held);
