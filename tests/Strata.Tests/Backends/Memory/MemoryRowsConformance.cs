using Strata.Testing;

namespace Strata.Tests;

[ConformanceOf(typeof(MemoryBlobStore))]
public sealed class MemoryRowsConformance : StateRowsConformance
{
    protected override ValueTask<IBlobStore> OpenAsync(StoreContext context) => new(new MemoryBlobStore(null, context));
}
