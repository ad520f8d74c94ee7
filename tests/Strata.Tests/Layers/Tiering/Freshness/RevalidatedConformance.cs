using Strata.Testing;

namespace Strata.Tests;

/// <summary>With copies that are past their freshness all the time, all that time allows, and limits that never come to pass: one's own changes are seen at once all the same.</summary>
[ConformanceOf(typeof(TieredBlobStore))]
public sealed class RevalidatedConformance : TieredConformance
{
    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context)
    {
        Tier cold = Memory("cold", context, evicts: false);
        var options = new TieringOptions { FreshFor = TimeSpan.FromTicks(1), StaleWhileRevalidate = TimeSpan.FromHours(1), FailSafeFor = TimeSpan.FromHours(2) };
        return new TieredBlobStore(
            [Memory("hot", context), Limited(await DiskAsync("warm", context)), Limited(cold with { Store = new DistantStore(cold.Store, hasOtherWriters: true) })], options, context);

        static Tier Limited(Tier tier) => tier with { SoftTimeout = TimeSpan.FromMinutes(1), HardTimeout = TimeSpan.FromMinutes(2) };
    }
}
