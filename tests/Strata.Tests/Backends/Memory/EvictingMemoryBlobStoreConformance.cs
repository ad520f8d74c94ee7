using Strata.Testing;

namespace Strata.Tests;

/// <summary>The volatile form keeps every promise as long as its budget suffices.</summary>
[ConformanceOf(typeof(MemoryBlobStore))]
public sealed class EvictingMemoryBlobStoreConformance : BlobStoreConformance
{
    protected override ValueTask<IBlobStore> OpenAsync(StoreContext context) =>
        new(new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true, MaxBytes = 256L << 20 }, context));
}
