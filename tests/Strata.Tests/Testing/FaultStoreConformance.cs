using Strata.Testing;

namespace Strata.Tests;

[ConformanceOf(typeof(FaultStore))]
public sealed class FaultStoreConformance : BlobStoreConformance
{
    protected override ValueTask<IBlobStore> OpenAsync(StoreContext context) =>
        new(new FaultStore(new MemoryBlobStore(new MemoryBlobStoreOptions(), context)));
}
