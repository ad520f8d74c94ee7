using Strata.Testing;

namespace Strata.Tests;

[ConformanceOf(typeof(LatencyStore))]
public sealed class LatencyStoreConformance : BlobStoreConformance
{
    protected override ValueTask<IBlobStore> OpenAsync(StoreContext context) =>
        new(new LatencyStore(new MemoryBlobStore(new MemoryBlobStoreOptions(), context), context));
}
