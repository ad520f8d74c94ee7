using Strata.Testing;

namespace Strata.Tests;

[ConformanceOf(typeof(ExclusiveBlobStore))]
public sealed class ExclusiveConformance : TieredConformance
{
    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context) =>
        await ExclusiveBlobStore.OpenAsync([await DiskAsync("warm", context), await DiskAsync("cold", context)], new MemoryKvDatabase(null, context), ownsIndex: true, null, context);
}
