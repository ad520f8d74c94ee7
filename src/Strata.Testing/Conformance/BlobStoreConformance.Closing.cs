using Xunit;

namespace Strata.Testing;

/// <content>A store that is disposed says so.</content>
public abstract partial class BlobStoreConformance
{
    [Fact]
    public async Task A_disposed_store_is_closed()
    {
        await PutAsync("a");
        await Store.DisposeAsync();

        await ClosedAsync(async () => await Store.StatAsync(Key("a")));
        await ClosedAsync(async () => await Store.ReadAsync(Key("a")));
        await ClosedAsync(async () => await Store.ReadAsync(Key("a"), new ReadOptions { Range = BlobRange.From(1) }));
        await ClosedAsync(async () => await Store.PutBytesAsync(Key("a"), Bytes(1)));
        await ClosedAsync(async () => await Store.WriteAsync(Key("a"), BlobContent.FromStream(new MemoryStream(Bytes(1)))));
        await ClosedAsync(async () => await Store.OpenWriterAsync(Key("a")));
        await ClosedAsync(async () => await Store.DeleteAsync(Key("a")));
        await ClosedAsync(async () => await Store.DeleteManyAsync([Key("a")]));
        await ClosedAsync(async () => await Store.UpdateAsync(Key("a"), new BlobChanges()));
        await ClosedAsync(async () => await Store.CopyAsync(Key("a"), Key("b")));
        await ClosedAsync(async () => await Store.ListPageAsync(new ListRequest()));
        await Store.DisposeAsync();

        static Task ClosedAsync(Func<Task> action) => FailsAsync(StorageErrorKind.Closed, action);
    }

    [Fact]
    public async Task A_writer_of_a_disposed_store_commits_no_more()
    {
        await using IBlobWriter writer = await Store.OpenWriterAsync(Key("a"));
        await writer.WriteAsync(Bytes(100), CancellationToken.None);
        await Store.DisposeAsync();
        await FailsAsync(StorageErrorKind.Closed, async () => await writer.CommitAsync(null, CancellationToken.None));
    }

    [Fact]
    public async Task A_facet_that_is_not_there_is_null()
    {
        Assert.False(Store.TryGetFacet(out BlobStoreConformance? facet));
        Assert.Null(facet);
        if (!Store.TryGetFacet(out IStoreStatistics? statistics)) return; // Not every store counts.
        await PutAsync("a", Bytes(1000));
        await PutAsync("b", Bytes(1000));
        StoreStatistics counted = statistics.GetStatistics();
        Assert.Equal(2, counted.Blobs);
        Assert.True(counted.Bytes >= 2000);
        await Store.DeleteAsync(Key("b"));
        Assert.Equal(1, statistics.GetStatistics().Blobs);
        Assert.True(statistics.GetStatistics().Bytes < counted.Bytes);
    }
}
