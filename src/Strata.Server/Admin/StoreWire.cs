namespace Strata.Server;

/// <summary>A store's figures as JSON.</summary>
/// <param name="Name">The store, which is also the S3 bucket.</param>
/// <param name="Reads">Reads of the whole store.</param>
/// <param name="Tiers">Fastest first; a store without tiers is shown as its own only one.</param>
internal sealed record StoreWire(string Name, TieredReads Reads, IReadOnlyList<TierStatistics> Tiers)
{
    /// <summary>The figures of all stores, in the order of their names.</summary>
    public static StoreWire[] From(IReadOnlyDictionary<string, IBlobStore> stores) =>
        [.. stores.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => From(s.Key, s.Value))];

    private static StoreWire From(string name, IBlobStore store) =>
        new(name, store.TryGetFacet(out ITierInspection? tiers) ? tiers.GetReads() : default, StoreTiers.AllOf(store.Capabilities.Store, store));
}
