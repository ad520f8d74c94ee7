using Strata.Testing;

namespace Strata.Tests;

/// <summary>A store that takes only short blobs, so that the tests of that limit have something to test.</summary>
[ConformanceOf(typeof(MemoryBlobStore))]
public sealed class SmallMemoryBlobStoreConformance : BlobStoreConformance
{
    protected override ValueTask<IBlobStore> OpenAsync(StoreContext context) =>
        new(new MemoryBlobStore(new MemoryBlobStoreOptions { MaxBlobBytes = 400_000 }, context));
}
