using Strata.Testing;

namespace Strata.Tests;

[ConformanceOf(typeof(DiskBlobStore))]
public sealed class EvictingDiskRowsConformance : StateRowsConformance
{
    private readonly TempFolder _folder = new();

    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context) =>
        await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = _folder.Path, Durability = DiskDurability.OperatingSystem, Evicts = true, MaxBytes = 256L << 20 }, context);

    protected override ValueTask CleanUpAsync()
    {
        _folder.Dispose();
        return default;
    }
}
