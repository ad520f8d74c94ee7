using Strata.Testing;

namespace Strata.Tests;

/// <summary>A store under way from an old one, which is only read, to a new one, whose rows hold the state.</summary>
[ConformanceOf(typeof(FanoutBlobStore))]
public sealed class MigrationConformance : BlobStoreConformance
{
    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context)
    {
        FanoutLayer target = new() { Name = "new", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "new" }, context) };
        FanoutLayer source = new() { Name = "old", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "old" }, context) };
        return await FanoutBlobStore.OpenAsync([target, source], [target], new FanoutOptions { Backfills = true }, context);
    }
}
