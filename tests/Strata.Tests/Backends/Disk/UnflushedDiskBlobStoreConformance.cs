using Strata.Testing;

namespace Strata.Tests;

/// <summary>Writes left to the operating system, in a store that evicts, with room enough.</summary>
[ConformanceOf(typeof(DiskBlobStore))]
public sealed class UnflushedDiskBlobStoreConformance : BlobStoreConformance
{
    private readonly TempFolder _folder = new();

    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context)
    {
        var options = new DiskBlobStoreOptions { Path = _folder.Path, Durability = DiskDurability.OperatingSystem, Evicts = true, MaxBytes = 1L << 30 };
        return await DiskBlobStore.OpenAsync(options, context);
    }

    protected override ValueTask CleanUpAsync()
    {
        _folder.Dispose();
        return default;
    }
}
