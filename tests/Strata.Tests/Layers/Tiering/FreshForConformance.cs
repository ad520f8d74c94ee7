using Strata.Testing;

namespace Strata.Tests;

/// <summary>Over an origin that others may write to, with copies that are compared with it all the time.</summary>
[ConformanceOf(typeof(TieredBlobStore))]
public sealed class FreshForConformance : TieredConformance
{
    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context)
    {
        Tier cold = Memory("cold", context, evicts: false);
        return new TieredBlobStore(
            [Memory("hot", context), await DiskAsync("warm", context), cold with { Store = new DistantStore(cold.Store, hasOtherWriters: true) }],
            new TieringOptions { FreshFor = TimeSpan.FromMilliseconds(1) },
            context);
    }
}
