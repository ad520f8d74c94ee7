using Strata.Azure;
using Strata.Testing;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>The whole contract over Azurite; blocks of 1 MiB, so that the suite's large blobs go in several.</summary>
public abstract class AzureConformance(AzuriteServer server) : BlobStoreConformance
{
    private string? _container;

    protected override int ListingStride => 11;

    protected virtual AzureBlobStoreOptions Adjust(AzureBlobStoreOptions options) => options;

    protected sealed override async ValueTask<IBlobStore> OpenAsync(StoreContext context)
    {
        _container = await server.CreateContainerAsync();
        return AzureBlobStore.Open(Adjust(server.OptionsFor(_container)), context);
    }

    protected sealed override async ValueTask CleanUpAsync()
    {
        if (_container is not null) await server.RemoveContainerAsync(_container);
    }
}

[ConformanceOf(typeof(AzureBlobStore))]
[Collection(nameof(AzuriteServer))]
public sealed class AzuriteConformance(AzuriteServer server) : AzureConformance(server);

/// <summary>With one writer the suite also looks at linearizability, and with tombstones at IfOlder.</summary>
[ConformanceOf(typeof(AzureBlobStore))]
[Collection(nameof(AzuriteServer))]
public sealed class SingleWriterAzuriteConformance(AzuriteServer server) : AzureConformance(server)
{
    protected override AzureBlobStoreOptions Adjust(AzureBlobStoreOptions options) => options with { SingleWriter = true, KeepsTombstones = TimeSpan.FromHours(1) };
}
