using Strata.Testing;

namespace Strata.Tests;

/// <summary>Blobs of one byte and of more live in different tiers, so that keys change their homes all the time.</summary>
[ConformanceOf(typeof(ExclusiveBlobStore))]
public sealed class ScatteredConformance : TieredConformance
{
    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context)
    {
        Tier small = await DiskAsync("small", context) with { MaxBlobBytes = 150 };
        return await ExclusiveBlobStore.OpenAsync([small, await DiskAsync("large", context)], new MemoryKvDatabase(null, context), ownsIndex: true, null, context);
    }
}
