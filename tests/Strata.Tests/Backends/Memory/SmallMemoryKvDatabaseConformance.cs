using Strata.Testing;

namespace Strata.Tests;

/// <summary>With the limits that Deno's clients expect, so that those are tested at their edges too.</summary>
[ConformanceOf(typeof(MemoryKvDatabase))]
public sealed class SmallMemoryKvDatabaseConformance : KvDatabaseConformance
{
    protected override ValueTask<IKvDatabase> OpenAsync(StoreContext context) => new(new MemoryKvDatabase(new MemoryKvDatabaseOptions { Limits = KvLimits.Deno }, context));

    protected override int CountWatches(IKvDatabase database) => ((MemoryKvDatabase)database).Watches;
}
