using Strata.Testing;

namespace Strata.Tests;

[ConformanceOf(typeof(TieredBlobStore))]
public sealed class MemoryOverMemoryConformance : TieredConformance
{
    protected override ValueTask<IBlobStore> OpenAsync(StoreContext context) =>
        new(new TieredBlobStore([Memory("hot", context), Memory("cold", context, evicts: false)], null, context));
}
