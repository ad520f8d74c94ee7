using Strata.Testing;

namespace Strata.Tests;

[ConformanceOf(typeof(MemoryKvDatabase))]
public sealed class MemoryKvDatabaseConformance : KvDatabaseConformance
{
    protected override ValueTask<IKvDatabase> OpenAsync(StoreContext context) => new(new MemoryKvDatabase(null, context));

    protected override int CountWatches(IKvDatabase database) => ((MemoryKvDatabase)database).Watches;
}
