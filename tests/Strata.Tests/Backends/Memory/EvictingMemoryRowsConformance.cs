using Strata.Testing;

namespace Strata.Tests;

/// <summary>A cache records changes too; what it evicts is none.</summary>
[ConformanceOf(typeof(MemoryBlobStore))]
public sealed class EvictingMemoryRowsConformance : StateRowsConformance
{
    protected override ValueTask<IBlobStore> OpenAsync(StoreContext context) =>
        new(new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true, MaxBytes = 256L << 20 }, context));
}
