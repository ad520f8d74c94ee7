using Azure.Storage.Blobs;
using Strata.Azure;
using Xunit;

namespace Strata.Backends.Tests;

[Collection(nameof(AzuriteServer))]
public sealed class AzureRemoteStoreTests(AzuriteServer server) : RemoteStoreTests
{
    private string _container = "";

    private BlobContainerClient Others => server.Client.GetBlobContainerClient(_container);

    protected override async Task PrepareAsync() => _container = await server.CreateContainerAsync();

    protected override ValueTask<IBlobStore> OpenAsync(TimeSpan? tombstones = null) =>
        new(AzureBlobStore.Open(server.OptionsFor(_container) with { KeepsTombstones = tombstones }, new StoreContext { Clock = Clock }));

    protected override async Task<string[]> NamesAsync()
    {
        var names = new List<string>();
        await foreach (var blob in Others.GetBlobsAsync()) names.Add(blob.Name);
        return [.. names];
    }

    protected override async Task PutRawAsync(string name, string content) => await Others.UploadBlobAsync(name, BinaryData.FromString(content));

    protected override Task CleanUpAsync() => server.RemoveContainerAsync(_container);
}
