using Strata.Testing;

namespace Strata.Tests;

/// <summary>Copies made by reads alone, none by writes, and every blob streamed to its readers.</summary>
[ConformanceOf(typeof(TieredBlobStore))]
public sealed class PromotedConformance : TieredConformance
{
    protected override ValueTask<IBlobStore> OpenAsync(StoreContext context) => new(new TieredBlobStore(
        [Memory("hot", context), Memory("cold", context, evicts: false)],
        new TieringOptions { Writes = TieringWrites.Around, MaxSharedLoadBytes = 0 },
        context));
}
