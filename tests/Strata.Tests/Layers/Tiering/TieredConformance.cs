using Strata.Testing;

namespace Strata.Tests;

/// <summary>What the conformance classes of tiered stores share: tiers in memory, and on disk in a folder that goes with the test.</summary>
public abstract class TieredConformance : BlobStoreConformance
{
    private readonly TempFolder _folder = new();

    protected override ValueTask CleanUpAsync()
    {
        _folder.Dispose();
        return default;
    }

    private protected static Tier Memory(string name, StoreContext context, bool evicts = true) => new()
    {
        Name = name, Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = name, Evicts = evicts }, context),
    };

    private protected async Task<Tier> DiskAsync(string name, StoreContext context, DiskDurability durability = DiskDurability.OperatingSystem) => new()
    {
        Name = name,
        Store = await DiskBlobStore.OpenAsync(
            new DiskBlobStoreOptions { Name = name, Path = _folder.Sub(name), Durability = durability }, context),
    };
}
