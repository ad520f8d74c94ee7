namespace Strata;

/// <summary>A key that is to be looked at.</summary>
/// <param name="Key">The key.</param>
/// <param name="Due">Since when, seconds since 1970: the place of its row.</param>
internal readonly record struct DueKey(BlobKey Key, uint Due);
