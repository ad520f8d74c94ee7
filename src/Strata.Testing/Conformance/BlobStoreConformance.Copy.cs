using Xunit;

namespace Strata.Testing;

/// <content>Copies within the store, and deletes.</content>
public abstract partial class BlobStoreConformance
{
    private static readonly WriteOptions Described = new()
    {
        ContentType = "text/plain", ContentEncoding = "gzip", Metadata = new Dictionary<string, string> { ["x"] = "ž" },
    };

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(300_000)]
    public async Task A_copy_has_the_bytes_and_the_description_of_its_source(int length)
    {
        byte[] bytes = Bytes(UpTo(length));
        BlobInfo source = await PutAsync("from", bytes, Described);
        Tick(1000);
        WriteResult result = await Store.CopyAsync(Key("from"), Key("to"));

        Assert.Equal(WriteStatus.Written, result.Status);
        BlobInfo copy = await StatAsync("to");
        AssertSame(result.Info!, copy);
        Assert.Equal((Key("to"), "text/plain", "gzip"), (copy.Key, copy.ContentType, copy.ContentEncoding));
        AssertMetadata(Described.Metadata!, copy);
        Assert.Equal(Clock.GetUtcNow(), copy.Created);
        Assert.True(copy.Version > source.Version);
        await AssertHoldsAsync("to", bytes);
        AssertSame(source, await StatAsync("from"));
        await PutAsync("from", 2);
        await Store.DeleteAsync(Key("from"));
        await AssertHoldsAsync("to", bytes);
    }

    [Fact]
    public async Task A_copy_replaces_its_target_whole()
    {
        await PutAsync("from", Bytes(10, 1));
        await PutAsync("to", Bytes(5000, 2), Described);
        await Store.CopyAsync(Key("from"), Key("to"));
        await AssertHoldsAsync("to", Bytes(10, 1));
        Assert.Null((await StatAsync("to")).ContentType);
        Assert.Empty((await StatAsync("to")).Metadata);
    }

    [Fact]
    public async Task A_copy_can_be_described_anew()
    {
        await PutAsync("from", Bytes(100), Described);
        await Store.CopyAsync(Key("from"), Key("to"), new CopyOptions
        {
            Replace = new BlobChanges { ContentType = "text/html", Metadata = Set(new Dictionary<string, string> { ["y"] = "2" }) },
        });

        BlobInfo copy = await StatAsync("to");
        Assert.Equal(("text/html", null), (copy.ContentType, copy.ContentEncoding));
        AssertMetadata(new Dictionary<string, string> { ["y"] = "2" }, copy);
        await AssertHoldsAsync("to", Bytes(100));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () =>
            await Store.CopyAsync(Key("from"), Key("to"), new CopyOptions { Replace = new BlobChanges { ContentType = new string('t', 256) } }));
        AssertSame(copy, await StatAsync("to"));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(300_000)]
    public async Task A_blob_copied_onto_itself_keeps_its_bytes(int length)
    {
        byte[] bytes = Bytes(UpTo(length));
        BlobInfo before = await PutAsync("a", bytes, Described);
        Tick(1000);
        WriteResult result = await Store.CopyAsync(Key("a"), Key("a"), new CopyOptions { Replace = new BlobChanges { ContentType = "text/html" } });
        Assert.Equal(WriteStatus.Written, result.Status);
        BlobInfo after = await StatAsync("a");
        Assert.Equal("text/html", after.ContentType);
        Assert.Empty(after.Metadata);
        Assert.True(after.Version > before.Version);
        Assert.Equal(before.Created, after.Created);
        await AssertHoldsAsync("a", bytes);
        Assert.True((await Store.CopyAsync(Key("a"), Key("a"))).IsWritten);
        await AssertHoldsAsync("a", bytes);
    }

    [Fact]
    public async Task A_copy_of_what_is_missing_leaves_the_target()
    {
        BlobInfo target = await PutAsync("to");
        Assert.Equal(WriteStatus.Missing, (await Store.CopyAsync(Key("from"), Key("to"))).Status);
        Assert.Equal(WriteStatus.Missing, (await Store.CopyAsync(Key("from"), Key("from"))).Status);
        AssertSame(target, await StatAsync("to"));
        await AssertMissingAsync("from");
    }

    [Fact]
    public async Task A_copy_checks_the_condition_on_its_source()
    {
        BlobInfo source = await PutAsync("from");
        var wrong = new CopyOptions { SourceCondition = WriteCondition.IfMatch("another") };
        if (!Claims(WriteConditionKind.IfMatch))
        {
            await UnsupportedAsync(async () => await Store.CopyAsync(Key("from"), Key("to"), wrong));
            return;
        }

        Assert.Equal(WriteStatus.PreconditionFailed, (await Store.CopyAsync(Key("from"), Key("to"), wrong)).Status);
        await AssertMissingAsync("to");
        Assert.True((await Store.CopyAsync(Key("from"), Key("to"), new CopyOptions { SourceCondition = WriteCondition.IfMatch(source.ETag) })).IsWritten);
        await AssertHoldsAsync("to", Bytes(100));
    }

    [Fact]
    public async Task A_delete_removes_the_blob_once()
    {
        BlobInfo info = await PutAsync("a");
        await PutAsync("b");
        DeleteResult deleted = await Store.DeleteAsync(Key("a"));
        Assert.Equal(DeleteStatus.Deleted, deleted.Status);
        if (deleted.Version.IsKnown) Assert.True(deleted.Version > info.Version);
        await AssertMissingAsync("a");
        Assert.Equal(DeleteStatus.Missing, (await Store.DeleteAsync(Key("a"))).Status);
        Assert.Equal(["b"], await KeysAsync());
        await PutAsync("a", 2);
        await AssertHoldsAsync("a", Bytes(100, 2));
    }

    [Fact]
    public async Task Many_deletes_have_an_outcome_each_in_the_order_asked()
    {
        for (int i = 0; i < 20; i += 2) await PutAsync($"k{i:00}");
        BlobKey[] keys = [.. Enumerable.Range(0, 20).Reverse().Select(i => Key($"k{i:00}")), Key("k00")];
        DeleteManyResult result = await Store.DeleteManyAsync(keys);

        Assert.Equal(keys, result.Outcomes.Select(o => o.Key));
        Assert.Equal(10, result.Deleted);
        Assert.True(result.IsComplete);
        Assert.All(result.Outcomes.Take(20), o =>
        {
            bool wasThere = (o.Key.Value[^1] - '0') % 2 == 0;
            Assert.Equal(wasThere ? DeleteStatus.Deleted : DeleteStatus.Missing, o.Status);
            Assert.Null(o.Error);
        });
        Assert.Equal(DeleteStatus.Missing, result.Outcomes[^1].Status);
        Assert.Empty(await KeysAsync());
        Assert.Empty((await Store.DeleteManyAsync([])).Outcomes);
    }

    [Fact]
    public async Task A_thousand_deletes_at_once_leave_the_rest()
    {
        for (int i = 0; i < 1005; i++) await PutAsync($"k{i:0000}", []);
        DeleteManyResult result = await Store.DeleteManyAsync([.. Enumerable.Range(0, 1000).Select(i => Key($"k{i:0000}"))]);
        Assert.Equal(1000, result.Deleted);
        Assert.Equal(["k1000", "k1001", "k1002", "k1003", "k1004"], await KeysAsync());
    }
}
