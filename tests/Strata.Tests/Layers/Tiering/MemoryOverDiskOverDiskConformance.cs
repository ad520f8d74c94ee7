using Strata.Testing;

namespace Strata.Tests;

[ConformanceOf(typeof(TieredBlobStore))]
public sealed class MemoryOverDiskOverDiskConformance : TieredConformance
{
    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context) =>
        new TieredBlobStore([Memory("hot", context), await DiskAsync("warm", context), await DiskAsync("cold", context)], null, context);
}
