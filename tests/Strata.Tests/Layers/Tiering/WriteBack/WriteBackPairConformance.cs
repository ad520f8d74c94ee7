using Strata.Testing;

namespace Strata.Tests;

/// <summary>The pair alone: a disk that acknowledges writes before the memory below it has them.</summary>
[ConformanceOf(typeof(WriteBackBlobStore))]
public sealed class WriteBackPairConformance : TieredConformance
{
    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context) => await WriteBackBlobStore.OpenAsync(
        await DiskAsync("warm", context, DiskDurability.Flush), Memory("cold", context, evicts: false), null, context);
}
