using Strata.Testing;

namespace Strata.Tests;

[ConformanceOf(typeof(ChunkingStore))]
public sealed class ChunkingStoreConformance : BlobStoreConformance
{
    protected override ValueTask<IBlobStore> OpenAsync(StoreContext context) =>
        new(new ChunkingStore(new MemoryBlobStore(new MemoryBlobStoreOptions(), context)));
}
