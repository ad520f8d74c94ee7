namespace Strata;

/// <summary>One page of a listing.</summary>
/// <param name="Items">Visible blobs, in key order.</param>
/// <param name="Prefixes">Common prefixes (with a delimiter), in order; disjoint from the items.</param>
/// <param name="Token">For the next page; null if this is the last. A page may be empty and the last all the same: a store over a network does not ask ahead whether there is more.</param>
public sealed record ListPage(IReadOnlyList<BlobInfo> Items, IReadOnlyList<string> Prefixes, string? Token);
