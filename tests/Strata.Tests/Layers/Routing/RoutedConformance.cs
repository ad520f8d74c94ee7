using Strata.Testing;

namespace Strata.Tests;

/// <summary>Mounts within mounts, and one that begins in the middle of a segment; every store holds keys of the others', which nobody must ever see.</summary>
[ConformanceOf(typeof(RoutedBlobStore))]
public sealed class RoutedConformance : BlobStoreConformance
{
    private static readonly string[] Prefixes = ["", "a/", "a/2/", "b", "d😀", "e\uFFFD"];

    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context)
    {
        var mounts = new List<StoreMount>();
        foreach (string prefix in Prefixes)
        {
            var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = $"of {prefix}" }, context);
            foreach (string other in Prefixes.Where(p => p != prefix && p.Length > 0)) await HideAsync(store, prefix, other);

            // As the only tier: a store that counts would count what is hidden, too.
            mounts.Add(new StoreMount { Prefix = prefix, Store = new TieredBlobStore([new Tier { Name = "only", Store = store }], null, context) });
        }

        return new RoutedBlobStore(mounts);
    }

    private static async Task HideAsync(MemoryBlobStore store, string own, string other)
    {
        foreach (string key in (string[])[$"{other}hidden", $"{other}\U0010FFFFhidden", $"{other}/1/hidden"])
        {
            string? owner = Prefixes.Where(p => key.StartsWith(p, StringComparison.Ordinal)).MaxBy(p => p.Length);
            if (owner != own && BlobKey.TryParse(key, out BlobKey hidden)) await store.PutBytesAsync(hidden, "hidden"u8.ToArray());
        }
    }
}
