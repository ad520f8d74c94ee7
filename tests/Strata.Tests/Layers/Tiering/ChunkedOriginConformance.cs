using Strata.Testing;

namespace Strata.Tests;

/// <summary>An origin whose streams deliver small pieces.</summary>
[ConformanceOf(typeof(TieredBlobStore))]
public sealed class ChunkedOriginConformance : TieredConformance
{
    protected override ValueTask<IBlobStore> OpenAsync(StoreContext context)
    {
        Tier cold = Memory("cold", context, evicts: false);
        return new(new TieredBlobStore([Memory("hot", context), cold with { Store = new ChunkingStore(cold.Store, maxChunk: 997) }], null, context));
    }
}
