namespace Strata;

/// <summary>
/// The facet of a store whose keys lie in several stores by their prefixes: which ones, and what each of them can do by itself. What a mount
/// can that others cannot (tiers, access tiers of a service, write-back) is a facet of its own store.
/// </summary>
/// <remarks>A mounted store may hold keys that belong to another mount; they are not seen through the table, and are reached only by that store itself.</remarks>
public interface IMountTable
{
    /// <summary>All mounts, in the order of their prefixes. The routed store owns their stores.</summary>
    IReadOnlyList<StoreMount> Mounts { get; }

    /// <summary>The mount that a key belongs to, the one with the longest prefix; null if there is none. Cost: a few comparisons.</summary>
    StoreMount? FindMount(BlobKey key);
}
