using Strata.Testing;

namespace Strata.Tests;

[ConformanceOf(typeof(MemoryBlobStore))]
public sealed class MemoryBlobStoreConformance : BlobStoreConformance
{
    protected override ValueTask<IBlobStore> OpenAsync(StoreContext context) => new(new MemoryBlobStore(new MemoryBlobStoreOptions(), context));
}
