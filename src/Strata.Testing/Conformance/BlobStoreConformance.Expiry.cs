using Xunit;

namespace Strata.Testing;

/// <content>An expired blob is as if it were missing, from its millisecond on.</content>
public abstract partial class BlobStoreConformance
{
    [Fact]
    public async Task A_store_that_does_not_keep_expiry_refuses_it()
    {
        if (Capabilities.Expiry) return; // The other tests of expiry are for it.
        await UnsupportedAsync(async () => await Store.PutBytesAsync(Key("a"), Bytes(1), new WriteOptions { Expires = After(1000) }));
        await UnsupportedAsync(async () => await Store.OpenWriterAsync(Key("a"), new WriteOptions { Expires = After(1000) }));
        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task Expiry_is_exact_to_the_millisecond()
    {
        if (!await PutExpiringAsync(10_000)) return;
        Assert.Equal(After(10_000), (await StatAsync("a")).Expires);
        Tick(9_999);
        await AssertHoldsAsync("a", Bytes(100));
        Assert.Equal(["a"], await KeysAsync());
        Tick();
        await AssertMissingAsync("a");
        Tick(1_000_000);
        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task Expiry_follows_the_wall_clock()
    {
        if (!await PutExpiringAsync(10_000)) return;
        Clock.Jump(TimeSpan.FromMilliseconds(10_000));
        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task A_blob_in_a_faster_place_expires_too()
    {
        if (!await PutExpiringAsync(10_000)) return;
        for (int i = 0; i < 5; i++) await ReadAsync("a");
        Tick(10_000);
        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task A_moment_in_the_past_is_never_visible()
    {
        if (!Capabilities.Expiry) return;
        await PutAsync("a", 1);
        await PutAsync("a", Bytes(100, 2), new WriteOptions { Expires = After(-1) });
        await AssertMissingAsync("a");
        await PutAsync("b", Bytes(100, 2), new WriteOptions { Expires = Clock.GetUtcNow() });
        await AssertMissingAsync("b");
    }

    [Fact]
    public async Task Conditions_see_an_expired_blob_as_missing()
    {
        if (!await PutExpiringAsync(1_000)) return;
        string etag = (await StatAsync("a")).ETag;
        Tick(1_000);
        if (Claims(WriteConditionKind.IfMatch))
        {
            Assert.Equal(WriteStatus.PreconditionFailed, await ChangeAsync(StoreOperation.Write, WriteCondition.IfMatch(etag)));
            Assert.Equal(WriteStatus.PreconditionFailed, await ChangeAsync(StoreOperation.Commit, WriteCondition.IfMatch("*")));
        }

        await AssertMissingAsync("a");
        if (Claims(WriteConditionKind.IfAbsent)) Assert.Equal(WriteStatus.Written, await ChangeAsync(StoreOperation.Write, WriteCondition.IfAbsent));
        else await PutAsync("a");
        BlobInfo info = await StatAsync("a");
        Assert.Equal(Clock.GetUtcNow(), info.Created);
        Assert.Null(info.Expires);
    }

    [Fact]
    public async Task Nothing_revives_an_expired_blob()
    {
        if (!await PutExpiringAsync(1_000)) return;
        Tick(1_000);
        Assert.Equal(WriteStatus.Missing, (await Store.TouchAsync(Key("a"), After(5_000))).Status);
        Assert.Equal(WriteStatus.Missing, (await Store.UpdateAsync(Key("a"), new BlobChanges { ContentType = "text/plain", Expires = (DateTimeOffset?)null })).Status);
        Assert.Equal(WriteStatus.Missing, (await Store.CopyAsync(Key("a"), Key("b"))).Status);
        Assert.Equal(WriteStatus.Missing, (await Store.CopyAsync(Key("a"), Key("a"), new CopyOptions { Replace = new BlobChanges() })).Status);
        Assert.Equal(DeleteStatus.Missing, (await Store.DeleteAsync(Key("a"))).Status);
        await AssertMissingAsync("a");
        await AssertMissingAsync("b");
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 120_000)]
    public async Task An_expired_blob_keeps_older_copies_out(bool deleted, int laterMilliseconds)
    {
        if (!Claims(WriteConditionKind.IfOlder) || !Capabilities.Expiry) return;
        BlobInfo old = await PutAsync("a", Bytes(100));
        await PutAsync("a", Bytes(50), new WriteOptions { Expires = After(1_000) });
        Tick(1_000 + laterMilliseconds);
        if (deleted) Assert.Equal(DeleteStatus.Missing, (await Store.DeleteAsync(Key("a"))).Status);
        var late = new WriteOptions { AsCopyOf = old, Condition = WriteCondition.IfOlder(old.Version) };
        Assert.Equal(WriteStatus.PreconditionFailed, (await Store.PutBytesAsync(Key("a"), Bytes(100), late)).Status);
        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task Touch_moves_the_expiry()
    {
        if (!await PutExpiringAsync(1_000)) return;
        await ReadAsync("a");
        Tick(999);
        WriteResult touched = await Store.TouchAsync(Key("a"), After(5_000));
        Assert.Equal(After(5_000), touched.Info!.Expires);
        Tick(4_999);
        await AssertHoldsAsync("a", Bytes(100));
        await Store.TouchAsync(Key("a"), null);
        Tick(1_000_000);
        await AssertHoldsAsync("a", Bytes(100));
        Assert.Null((await StatAsync("a")).Expires);
        await Store.TouchAsync(Key("a"), After(0));
        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task An_update_of_something_else_leaves_the_expiry_and_an_overwrite_drops_it()
    {
        if (!await PutExpiringAsync(1_000)) return;
        await Store.UpdateAsync(Key("a"), new BlobChanges { ContentType = "text/plain" });
        Assert.Equal(After(1_000), (await StatAsync("a")).Expires);
        await PutAsync("a", 2);
        Tick(1_000_000);
        await AssertHoldsAsync("a", Bytes(100, 2));
    }

    [Fact]
    public async Task A_copy_keeps_the_expiry()
    {
        if (!await PutExpiringAsync(1_000)) return;
        await Store.CopyAsync(Key("a"), Key("b"));
        await Store.CopyAsync(Key("a"), Key("c"), new CopyOptions { Replace = new BlobChanges { Expires = After(2_000) } });
        Assert.Equal(After(1_000), (await StatAsync("b")).Expires);
        Tick(1_000);
        await AssertMissingAsync("b");
        Tick(999);
        await AssertHoldsAsync("c", Bytes(100));
        Tick();
        await AssertMissingAsync("c");
    }

    [Fact]
    public async Task A_streamed_blob_expires()
    {
        if (!Capabilities.Expiry) return;
        await using (IBlobWriter writer = await Store.OpenWriterAsync(Key("a"), new WriteOptions { Expires = After(1_000) }))
        {
            await writer.WriteAsync(Bytes(100), CancellationToken.None);
            await writer.CommitAsync(null, CancellationToken.None);
        }

        Tick(999);
        await AssertHoldsAsync("a", Bytes(100));
        Tick();
        await AssertMissingAsync("a");
    }

    [Fact]
    public async Task A_result_outlives_the_expiry_of_its_blob()
    {
        if (!await PutExpiringAsync(1_000)) return;
        await using BlobReadResult? read = await Store.ReadAsync(Key("a"));
        Tick(1_000_000);
        await AssertMissingAsync("a");
        Assert.Equal(Bytes(100), await DrainAsync(read!));
    }

    [Fact]
    public async Task A_listing_shows_no_expired_blob()
    {
        if (!Capabilities.Expiry) return;
        for (int i = 0; i < 20; i++) await PutAsync($"d{i / 4}/{i:00}", Bytes(3), i % 4 == 3 ? null : new WriteOptions { Expires = After(1_000) });
        await PutAsync("gone/1", Bytes(3), new WriteOptions { Expires = After(1_000) });
        Tick(1_000);
        Assert.Equal(["d0/03", "d1/07", "d2/11", "d3/15", "d4/19"], await KeysAsync());
        ListPage page = await Store.ListPageAsync(new ListRequest { Delimiter = "/", Limit = 5 });
        Assert.Equal(["d0/", "d1/", "d2/", "d3/", "d4/"], page.Prefixes);
        Assert.Empty(page.Items);
    }

    private async Task<bool> PutExpiringAsync(double milliseconds)
    {
        if (!Capabilities.Expiry) return false;
        await PutAsync("a", Bytes(100), new WriteOptions { Expires = After(milliseconds) });
        return true;
    }
}
