using Strata.Testing;

namespace Strata.Tests;

/// <summary>Memory over a disk that acknowledges writes before the disk below it has them.</summary>
[ConformanceOf(typeof(TieredBlobStore))]
public sealed class WriteBackConformance : TieredConformance
{
    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context) => await TieredBlobStore.OpenAsync(
        [Memory("hot", context), await DiskAsync("warm", context, DiskDurability.Flush), await DiskAsync("cold", context)],
        new TieringOptions { Writes = TieringWrites.Back },
        context);
}
