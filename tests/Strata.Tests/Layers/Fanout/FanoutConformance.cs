using Strata.Testing;

namespace Strata.Tests;

/// <summary>A quorum of three stores.</summary>
[ConformanceOf(typeof(FanoutBlobStore))]
public sealed class FanoutConformance : BlobStoreConformance
{
    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context)
    {
        FanoutLayer[] layers = [.. Enumerable.Range(1, 3).Select(i => new FanoutLayer { Name = $"n{i}", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = $"n{i}" }, context) })];
        return await FanoutBlobStore.OpenAsync(layers, layers, new FanoutOptions { Acknowledge = FanoutAcknowledgement.Quorum }, context, new MemoryKvDatabase(null, context));
    }
}
