using Strata.Testing;

namespace Strata.Tests;

/// <summary>The rows of a memory store are a KV database like any other.</summary>
[ConformanceOf(typeof(MemoryStateRows))]
public sealed class MemoryStateRowsKvConformance : KvDatabaseConformance
{
    protected override ValueTask<IKvDatabase> OpenAsync(StoreContext context)
    {
        var store = new MemoryBlobStore(null, context);
        var rows = (MemoryStateRows)store.Rows;
        rows.Owned = store;
        return new(rows);
    }

    protected override int CountWatches(IKvDatabase database) => ((IKvStatistics)database).GetStatistics().Watches;
}
