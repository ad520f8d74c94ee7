using Strata.Testing;

namespace Strata.Tests;

/// <summary>The rows of a disk store are a KV database like any other.</summary>
[ConformanceOf(typeof(DiskStateRows))]
public sealed class DiskStateRowsKvConformance : KvDatabaseConformance
{
    private readonly TempFolder _folder = new();

    protected override async ValueTask<IKvDatabase> OpenAsync(StoreContext context)
    {
        DiskBlobStore store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = _folder.Path }, context);
        var rows = (DiskStateRows)store.Rows;
        rows.Owned = store;
        return rows;
    }

    protected override int CountWatches(IKvDatabase database) => ((IKvStatistics)database).GetStatistics().Watches;

    protected override ValueTask CleanUpAsync()
    {
        _folder.Dispose();
        return default;
    }
}
