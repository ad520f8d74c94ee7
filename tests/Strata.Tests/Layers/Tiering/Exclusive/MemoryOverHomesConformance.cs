using Strata.Testing;

namespace Strata.Tests;

[ConformanceOf(typeof(TieredBlobStore))]
public sealed class MemoryOverHomesConformance : TieredConformance
{
    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context) => await new TieredStoreBuilder()
        .WithContext(context)
        .WithOptions(new TieringOptions { Containment = Containment.Exclusive })
        .AddTier("hot", Memory("hot", context).Store)
        .AddTier("warm", (await DiskAsync("warm", context)).Store, maxBlobBytes: 150)
        .AddTier("cold", (await DiskAsync("cold", context)).Store)
        .OpenAsync();
}
