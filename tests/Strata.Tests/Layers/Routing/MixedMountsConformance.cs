using Strata.Testing;

namespace Strata.Tests;

/// <summary>A folder for the rest, tiers for one prefix, memory for another.</summary>
[ConformanceOf(typeof(RoutedBlobStore))]
public sealed class MixedMountsConformance : TieredConformance
{
    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context) => await new RoutedStoreBuilder()
        .Mount("", (await DiskAsync("rest", context)).Store)
        .Mount("a/", new TieredStoreBuilder().WithContext(context).AddTier("hot", Memory("hot", context).Store).AddTier("cold", Memory("cold", context, evicts: false).Store))
        .Mount("b", "memory:")
        .WithContext(context)
        .OpenAsync();
}
