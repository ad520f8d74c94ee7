using Strata.Testing;

namespace Strata.Tests;

/// <summary>The slowest tier of a store, seen alone, with a tier above it that gets copies meanwhile.</summary>
[ConformanceOf(typeof(TierView))]
public sealed class TierViewConformance : TieredConformance
{
    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context)
    {
        var store = new TieredBlobStore([Memory("hot", context), await DiskAsync("cold", context)], null, context);
        var view = (TierView)store.Tiering.Tier("cold");
        view.Owned = store;
        return view;
    }
}
