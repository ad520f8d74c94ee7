using Azure.Storage.Blobs;
using Strata.Azure;
using Xunit;

namespace Strata.Backends.Tests;

[Collection(nameof(AzuriteServer))]
public sealed class AzureRemoteStoreTests(AzuriteServer server) : RemoteStoreTests
{
    private string _container = "";

    private BlobContainerClient Others => server.Client.GetBlobContainerClient(_container);

    [Fact]
    public async Task A_blob_longer_than_one_copy_is_copied_in_blocks()
    {
        // The service's own limit is 256 MiB.
        await using AzureBlobStore store = AzureBlobStore.Open(server.OptionsFor(_container) with { MaxCopyBytes = 2 << 20 });
        BlobKey source = BlobKey.Parse("source"), target = BlobKey.Parse("target");
        byte[] bytes = Bytes((7 << 20) + 5);
        BlobInfo written = (await store.PutBytesAsync(source, bytes, new WriteOptions { ContentType = "a/b", Metadata = new Dictionary<string, string> { ["k"] = "v" } })).Info!;
        BlobInfo there = (await store.PutBytesAsync(target, Bytes(10))).Info!;
        Assert.Equal(WriteStatus.PreconditionFailed, (await store.CopyAsync(source, target, new CopyOptions { Condition = WriteCondition.IfAbsent })).Status);
        WriteResult copied = await store.CopyAsync(source, target, new CopyOptions { Condition = WriteCondition.IfMatch(there.ETag) });
        Assert.Equal((WriteStatus.Written, written.Checksum, "a/b", "v"), (copied.Status, copied.Info!.Checksum, copied.Info.ContentType, copied.Info.Metadata["k"]));
        AssertSame(bytes, await store.GetBytesAsync(target));
    }

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
