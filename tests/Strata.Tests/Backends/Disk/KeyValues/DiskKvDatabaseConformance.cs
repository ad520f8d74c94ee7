using Strata.Testing;

namespace Strata.Tests;

[ConformanceOf(typeof(DiskKvDatabase))]
public sealed class DiskKvDatabaseConformance : KvDatabaseConformance
{
    private readonly TempFolder _folder = new();

    protected override async ValueTask<IKvDatabase> OpenAsync(StoreContext context) => await DiskKvDatabase.OpenAsync(new DiskKvDatabaseOptions { Path = _folder.Path }, context);

    protected override int CountWatches(IKvDatabase database) => ((IKvStatistics)database).GetStatistics().Watches;

    protected override ValueTask CleanUpAsync()
    {
        _folder.Dispose();
        return default;
    }
}
