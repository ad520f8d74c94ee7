namespace Strata;

/// <summary>One page of a listing.</summary>
/// <param name="Items">Visible blobs, in key order.</param>
/// <param name="Prefixes">Common prefixes (with a delimiter), in order; disjoint from the items.</param>
/// <param name="Token">For the next page; null if this is the last. Where <see cref="ListRequest.Exact"/> is false an empty page may follow, as nobody asks ahead whether there is more.</param>
public sealed record ListPage(IReadOnlyList<BlobInfo> Items, IReadOnlyList<string> Prefixes, string? Token);
