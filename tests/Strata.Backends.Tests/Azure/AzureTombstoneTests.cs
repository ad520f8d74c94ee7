using Strata.Azure;
using Xunit;

namespace Strata.Backends.Tests;

[Collection(nameof(AzuriteServer))]
public sealed class AzureTombstoneTests(AzuriteServer server) : TombstoneTests
{
    private string _container = "";

    [Fact]
    public async Task The_newest_remains_among_stores_that_know_nothing_of_each_other()
    {
        AzureBlobStore[] stores = [.. Enumerable.Range(0, 8).Select(_ => AzureBlobStore.Open(Options(true)))];
        for (int round = 0; round < 10; round++)
        {
            BlobKey key = BlobKey.Parse($"among/{round}");
            ulong first = BlobVersion.At(TimeProvider.System.GetUtcNow()).Value;
            int newest = round % 8;
            await Task.WhenAll(stores.Select((store, i) => Task.Run(async () =>
            {
                // All of the same bytes: it is the version that tells them apart.
                var version = new BlobVersion(first + (ulong)(i == newest ? 100 : i));
                var info = new BlobInfo { Key = key, Length = 3, ETag = $"copy-{i}", Version = version };
                await store.PutBytesAsync(key, "abc"u8.ToArray(), new WriteOptions { AsCopyOf = info, Condition = WriteCondition.IfOlder(version) });
            })));
            Assert.Equal($"copy-{newest}", (await stores[0].StatAsync(key))!.ETag);
        }

        foreach (AzureBlobStore store in stores) await store.DisposeAsync();
    }

    protected override async Task PrepareAsync() => _container = await server.CreateContainerAsync();

    protected override ValueTask<IBlobStore> OpenAsync(bool keepsTombstones) => new(AzureBlobStore.Open(Options(keepsTombstones)));

    protected override async Task<int> CountAsync()
    {
        int count = 0;
        await foreach (var _ in server.Client.GetBlobContainerClient(_container).GetBlobsAsync()) count++;
        return count;
    }

    protected override Task CleanUpAsync() => server.RemoveContainerAsync(_container);

    private AzureBlobStoreOptions Options(bool keepsTombstones) => server.OptionsFor(_container) with { KeepsTombstones = keepsTombstones ? TimeSpan.FromHours(1) : null };
}
