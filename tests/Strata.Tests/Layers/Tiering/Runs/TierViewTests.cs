using Strata.Testing;
using Xunit;
using static Strata.Tests.TieringFixture;

namespace Strata.Tests;

/// <summary>One tier as a store: what it shows, and what its changes do to the whole.</summary>
public sealed class TierViewTests
{
    [Fact]
    public async Task A_view_shows_what_its_tier_holds()
    {
        await using TieringFixture f = await OpenAsync();
        IBlobStore hot = f.Tiering.Tier("hot"), warm = f.Tiering.Tier("warm"), cold = f.Tiering.Tier("cold");
        await f.PutAsync(KeyOf(1), "one", new WriteOptions { Tier = "cold" });
        await f.PutAsync(KeyOf(2), "two", new WriteOptions { Tier = "warm" });
        await f.PutAsync(KeyOf(3), "three");
        Assert.Equal(["keys/000003"], await KeysOfAsync(hot));
        Assert.Equal(["keys/000002", "keys/000003"], await KeysOfAsync(warm));
        Assert.Equal(["keys/000001", "keys/000002", "keys/000003"], await KeysOfAsync(cold));
        Assert.Null(await hot.StatAsync(KeyOf(2)));
        Assert.Null(await hot.ReadAsync(KeyOf(2)));
        Assert.Equal("warm", (await warm.StatAsync(KeyOf(2)))!.Tier);
        Assert.Equal("two"u8.ToArray(), await warm.GetBytesAsync(KeyOf(2)));
        Assert.Equal("one"u8.ToArray(), await cold.GetBytesAsync(KeyOf(1)));
        await f.IdleAsync();
        Assert.Equal("cold", await f.HeldAsync(KeyOf(1)));
        Assert.Equal("tiered/hot", hot.Capabilities.Store);
        Assert.Empty(hot.Capabilities.Tiers);
    }

    [Fact]
    public async Task A_copy_that_is_not_the_origins_write_is_not_shown()
    {
        await using TieringFixture f = await OpenAsync();
        IBlobStore warm = f.Tiering.Tier("warm");
        await f.PutAsync(Key);
        await f.WarmBlobs.PutBytesAsync(Key, TierFixture.Bytes("foreign"));
        Assert.Null(await warm.StatAsync(Key));
        await f.WarmBlobs.PutBytesAsync(Key, TierFixture.Bytes("foreign"));
        Assert.Null(await warm.GetBytesAsync(Key));
        Assert.Empty(await KeysOfAsync(warm));
        Assert.Equal("value", await f.GetAsync(Key));
    }

    [Fact]
    public async Task A_write_in_a_view_is_one_of_the_whole_store_with_a_copy_there()
    {
        await using TieringFixture f = await OpenAsync(new TieringOptions { Writes = TieringWrites.Around });
        IBlobStore warm = f.Tiering.Tier("warm");
        await f.PutAsync(Key, "old", new WriteOptions { Tier = "hot" });
        WriteResult written = await warm.PutBytesAsync(Key, TierFixture.Bytes("new"));
        Assert.Equal(["warm", "cold"], written.Tiers);
        Assert.Equal("warm cold", await f.HeldAsync(Key));
        Assert.Equal("new", await f.GetAsync(Key));
        Assert.Equal(WriteStatus.PreconditionFailed, (await warm.PutBytesAsync(Key, TierFixture.Bytes("no"), new WriteOptions { Condition = WriteCondition.IfAbsent })).Status);
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => warm.PutBytesAsync(Key, new byte[1], new WriteOptions { SkipTiers = ["hot"] }).AsTask());
        Assert.Equal(StorageErrorKind.Unsupported, e.Kind);
        await f.Tiering.Tier("cold").PutBytesAsync(Key, TierFixture.Bytes("cold"));
        Assert.Equal("cold", await f.HeldAsync(Key));
    }

    [Fact]
    public async Task Streams_updates_and_copies_leave_theirs_in_the_views_tier()
    {
        await using TieringFixture f = await OpenAsync(new TieringOptions { Writes = TieringWrites.Around });
        IBlobStore hot = f.Tiering.Tier("hot");
        await using (IBlobWriter writer = await hot.OpenWriterAsync(Key))
        {
            await writer.WriteAsync(TierFixture.Bytes("streamed"), default);
            Assert.True((await writer.CommitAsync(null, default)).IsWritten);
        }

        Assert.Equal("streamed"u8.ToArray(), await hot.GetBytesAsync(Key));
        Assert.True((await hot.UpdateAsync(Key, new BlobChanges { ContentType = "text/plain" })).IsWritten);
        Assert.Equal("text/plain", (await hot.StatAsync(Key))!.ContentType);
        Assert.True((await hot.CopyAsync(Key, KeyOf(1))).IsWritten);
        Assert.Equal(("hot cold", "hot cold"), (await f.HeldAsync(Key), await f.HeldAsync(KeyOf(1))));
        await f.PutAsync(KeyOf(2));
        Assert.Equal((WriteStatus.Missing, WriteStatus.Missing), ((await hot.UpdateAsync(KeyOf(2), new BlobChanges { ContentType = "a/b" })).Status, (await hot.CopyAsync(KeyOf(2), KeyOf(3))).Status));
    }

    [Fact]
    public async Task A_delete_in_a_view_drops_its_copy_and_in_the_slowest_the_blob()
    {
        await using TieringFixture f = await OpenAsync();
        IBlobStore hot = f.Tiering.Tier("hot");
        BlobInfo info = await f.PutAsync(Key);
        Assert.Equal(DeleteStatus.PreconditionFailed, (await hot.DeleteAsync(Key, WriteCondition.IfMatch("other"))).Status);
        Assert.Equal(DeleteStatus.Deleted, (await hot.DeleteAsync(Key, WriteCondition.IfMatch(info.ETag))).Status);
        Assert.Equal("warm cold", await f.HeldAsync(Key));
        Assert.Equal(DeleteStatus.Missing, (await hot.DeleteAsync(Key)).Status);
        Assert.Equal("value", await f.GetAsync(Key));
        await f.IdleAsync();
        Assert.Equal([DeleteStatus.Deleted, DeleteStatus.Missing], (await hot.DeleteManyAsync([Key, KeyOf(1)])).Outcomes.Select(o => o.Status));
        Assert.Equal(DeleteStatus.Deleted, (await f.Tiering.Tier("cold").DeleteAsync(Key)).Status);
        Assert.Equal("", await f.HeldAsync(Key));
    }

    [Fact]
    public async Task While_a_key_is_written_a_view_does_not_show_it_and_closing_it_closes_nothing()
    {
        await using TieringFixture f = await OpenAsync();
        IBlobStore hot = f.Tiering.Tier("hot");
        await f.PutAsync(Key, "old");
        using StoreGate gate = f.Cold.Hold(StoreOperation.Write);
        Task<BlobInfo> writing = f.PutAsync(Key, "new");
        await gate.WaitForArrivalAsync();
        Assert.Null(await hot.GetBytesAsync(Key));
        gate.Open();
        await writing;
        await hot.DisposeAsync();
        Assert.Equal("new"u8.ToArray(), await hot.GetBytesAsync(Key));
        Assert.False(hot.TryGetFacet(out ISharedReads? _));
        Assert.Throws<ArgumentException>(() => f.Tiering.Tier("tepid"));
    }

    private static async Task<string[]> KeysOfAsync(IBlobStore store) => [.. (await store.ListPageAsync(new ListRequest())).Items.Select(item => item.Key.Value)];
}
