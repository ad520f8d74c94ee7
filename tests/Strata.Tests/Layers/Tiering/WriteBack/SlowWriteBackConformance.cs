using Strata.Testing;

namespace Strata.Tests;

/// <summary>The same while the origin takes its time: what is pending is seen by every operation, as if it were there.</summary>
[ConformanceOf(typeof(WriteBackBlobStore))]
public sealed class SlowWriteBackConformance : TieredConformance
{
    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context)
    {
        Tier cold = Memory("cold", context, evicts: false);
        return await WriteBackBlobStore.OpenAsync(
            await DiskAsync("warm", context, DiskDurability.Flush),
            cold with { Store = new LatencyStore(cold.Store, new StoreContext()) { Delay = TimeSpan.FromMilliseconds(1) } },
            new TieringOptions { WriteBack = new WriteBackOptions { Parallelism = 1 } },
            context);
    }
}
