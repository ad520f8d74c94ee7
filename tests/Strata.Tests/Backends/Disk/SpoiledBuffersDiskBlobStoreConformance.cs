using Strata.Testing;

namespace Strata.Tests;

/// <summary>Reads without a mapping, and buffers that turn to nonsense once they are given back: nobody may look at a result's bytes, or give them back, too late.</summary>
[ConformanceOf(typeof(DiskBlobStore))]
public sealed class SpoiledBuffersDiskBlobStoreConformance : BlobStoreConformance
{
    private readonly TempFolder _folder = new();

    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context)
    {
        var options = new DiskBlobStoreOptions { Path = _folder.Path, Durability = DiskDurability.OperatingSystem, MapReads = false };
        return await DiskBlobStore.OpenAsync(options, context with { Buffers = new SpoilingPool() });
    }

    protected override ValueTask CleanUpAsync()
    {
        _folder.Dispose();
        return default;
    }
}
