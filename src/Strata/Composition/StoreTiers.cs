namespace Strata;

/// <summary>What any store tells of its tiers: those of mounts are looked up, and a store without tiers is its own only one.</summary>
internal static class StoreTiers
{
    /// <summary>The figures of all tiers. Those of a store of mounts are named <c>PREFIX:TIER</c>; of each mount one is the origin.</summary>
    /// <param name="name">The name of a store that is its own only tier.</param>
    /// <param name="store">The store.</param>
    public static IReadOnlyList<TierStatistics> AllOf(string name, IBlobStore store)
    {
        if (store.TryGetFacet(out ITierInspection? inspection)) return inspection.GetTierStatistics();
        if (!store.TryGetFacet(out IMountTable? table)) return [TierStatistics.Of(name, store)];
        return [.. table.Mounts.SelectMany(mount => AllOf(mount.Store.Capabilities.Store, mount.Store).Select(tier => tier with { Name = $"{mount.Prefix}:{tier.Name}" }))];
    }

    /// <summary>Names of the tiers that hold a blob which is there, fastest first; empty if it has just gone.</summary>
    public static async ValueTask<IReadOnlyList<string>> LocateAsync(IBlobStore store, BlobKey key, CancellationToken cancellationToken)
    {
        if (store.TryGetFacet(out ITierInspection? inspection)) return await inspection.LocateAsync(key, cancellationToken).ConfigureAwait(false);
        if (!store.TryGetFacet(out IMountTable? table)) return [store.Capabilities.Store];
        if (table.FindMount(key) is not { } mount) return [];
        return [.. (await LocateAsync(mount.Store, key, cancellationToken).ConfigureAwait(false)).Select(tier => $"{mount.Prefix}:{tier}")];
    }
}
