using Strata.Testing;

namespace Strata.Tests;

[ConformanceOf(typeof(TieredBlobStore))]
public sealed class MemoryOverDiskConformance : TieredConformance
{
    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context) =>
        new TieredBlobStore([Memory("hot", context), await DiskAsync("cold", context)], null, context);
}
