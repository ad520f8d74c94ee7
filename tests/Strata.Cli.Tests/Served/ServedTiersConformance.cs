using Strata.Testing;

namespace Strata.Cli.Tests;

/// <summary>A served store with tiers and files, whose reads are streams and not memory.</summary>
[ConformanceOf(typeof(ServedBlobStore))]
public sealed class ServedTiersConformance : ServedBlobStoreConformance
{
    private readonly TempFolder _folder = new();

    protected override async ValueTask<IBlobStore> OpenInnerAsync(StoreContext context)
    {
        DiskBlobStore disk = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = _folder.Path, Durability = DiskDurability.OperatingSystem }, context);
        var memory = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true }, context);
        return new TieredBlobStore([new Tier { Name = "hot", Store = memory }, new Tier { Name = "cold", Store = disk }], null, context);
    }

    protected override async ValueTask CleanUpAsync()
    {
        await base.CleanUpAsync();
        _folder.Dispose();
    }
}
