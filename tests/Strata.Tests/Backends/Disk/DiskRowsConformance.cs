using Strata.Testing;

namespace Strata.Tests;

[ConformanceOf(typeof(DiskBlobStore))]
public sealed class DiskRowsConformance : StateRowsConformance
{
    private readonly TempFolder _folder = new();

    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context) =>
        await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = _folder.Path, Durability = DiskDurability.Flush }, context);

    protected override ValueTask CleanUpAsync()
    {
        _folder.Dispose();
        return default;
    }
}
