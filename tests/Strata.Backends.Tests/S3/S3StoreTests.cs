using Amazon.S3.Model;
using Strata.S3;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>What the contract does not say and an S3 bucket brings along: other writers, other readers, large blobs, servers that ignore what they are asked.</summary>
public abstract class S3StoreTests(S3Server server) : IAsyncLifetime
{
    private static readonly BlobKey Key = BlobKey.Parse("dir/blob");

    /// <summary>Of a race, 16 stores each.</summary>
    private static readonly int Rounds = LongForm.Of(100, 25);

    private string _bucket = "";
    private S3BlobStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _bucket = await server.CreateBucketAsync();
        _store = await S3BlobStore.OpenAsync(server.OptionsFor(_bucket));
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _store.DisposeAsync();
        await server.RemoveBucketAsync(_bucket);
    }

    [Fact]
    public async Task The_preset_is_what_the_server_does()
    {
        await using S3BlobStore probed = await S3BlobStore.OpenAsync(server.OptionsFor(_bucket) with { Provider = null });
        Assert.Equal((server.Provider.Abilities, server.Provider.UnquotedETags), (probed.Provider.Abilities, probed.Provider.UnquotedETags));
        Assert.Empty(await NamesAsync());
    }

    [Fact]
    public async Task Of_sixteen_stores_that_write_under_IfAbsent_exactly_one_wins_each_time() =>
        await RaceAsync((_, _) => WriteCondition.IfAbsent);

    [Fact]
    public async Task Of_sixteen_stores_that_write_under_IfMatch_exactly_one_wins_each_time()
    {
        for (int round = 0; round < Rounds; round++) await _store.PutBytesAsync(BlobKey.Parse($"race/{round}"), Bytes(10, 100));
        string[] etags = await Task.WhenAll(Enumerable.Range(0, Rounds).Select(async round => (await _store.StatAsync(BlobKey.Parse($"race/{round}")))!.ETag));
        await RaceAsync((round, _) => WriteCondition.IfMatch(etags[round]));
    }

    [Fact]
    public async Task Of_conditional_deletes_and_writes_by_several_stores_one_wins()
    {
        await using S3BlobStore other = await S3BlobStore.OpenAsync(server.OptionsFor(_bucket));
        for (int round = 0; round < 30; round++)
        {
            BlobKey key = BlobKey.Parse($"race/{round}");
            string etag = (await _store.PutBytesAsync(key, Bytes(10))).Info!.ETag;
            Task<WriteResult> write = Task.Run(async () => await _store.PutBytesAsync(key, Bytes(20), new WriteOptions { Condition = WriteCondition.IfMatch(etag) }));
            Task<DeleteResult> delete = Task.Run(async () => await other.DeleteAsync(key, WriteCondition.IfMatch(etag)));
            bool isWritten = (await write).IsWritten, isDeleted = (await delete).Status == DeleteStatus.Deleted;
            Assert.True(isWritten != isDeleted, $"Round {round}: written {isWritten}, deleted {isDeleted}.");
            Assert.Equal(isWritten ? Bytes(20) : null, await _store.GetBytesAsync(key));
            if (isDeleted) Assert.True((await _store.PutBytesAsync(key, Bytes(30), new WriteOptions { Condition = WriteCondition.IfAbsent })).IsWritten, "what was deleted is absent");
        }
    }

    [Fact]
    public async Task Objects_that_others_wrote_are_blobs_without_a_version()
    {
        var put = new PutObjectRequest { BucketName = _bucket, Key = Key.Value, ContentBody = "by others", ContentType = "text/x-others" };
        put.Metadata["who"] = "=?UTF-8?B?WsO8cmljaA==?=";
        string etag = (await server.Client.PutObjectAsync(put)).ETag.Trim('"');
        BlobInfo info = (await _store.StatAsync(Key))!;
        Assert.Equal((etag, BlobVersion.None, 9L, "text/x-others", "Zürich"), (info.ETag, info.Version, info.Length, info.ContentType, info.Metadata["who"]));
        Assert.Equal(info.Created, info.Modified);
        Assert.InRange(info.Modified, TimeProvider.System.GetUtcNow().AddMinutes(-5), TimeProvider.System.GetUtcNow().AddMinutes(5));
        Assert.Equal("by others"u8.ToArray(), await _store.GetBytesAsync(Key));

        WriteResult updated = await _store.UpdateAsync(Key, new BlobChanges { Expires = TimeProvider.System.GetUtcNow().AddHours(1) }, WriteCondition.IfMatch(etag));
        Assert.True(updated.IsWritten && updated.Info!.Version.IsKnown);
        Assert.Equal("by others"u8.ToArray(), await _store.GetBytesAsync(Key));
        Assert.Equal("Zürich", (await _store.StatAsync(Key))!.Metadata["who"]);
    }

    [Fact]
    public async Task Others_read_the_bytes_the_type_and_the_metadata_as_they_are()
    {
        await _store.PutBytesAsync(Key, Bytes(1000), new WriteOptions { ContentType = "image/png", Metadata = new Dictionary<string, string> { ["who"] = "net", ["Wo"] = "Zürich" } });
        using GetObjectResponse got = await server.Client.GetObjectAsync(_bucket, Key.Value);
        using var bytes = new MemoryStream();
        await got.ResponseStream.CopyToAsync(bytes);
        Assert.Equal(Bytes(1000), bytes.ToArray());
        Assert.Equal(("image/png", "net"), (got.Headers.ContentType, got.Metadata["who"]));
        Assert.Equal([Key.Value], await NamesAsync());
    }

    [Fact]
    public async Task A_large_stream_has_its_checksum_and_what_was_told_last()
    {
        byte[] bytes = Bytes((13 << 20) + 77);
        await using (IBlobWriter writer = await _store.OpenWriterAsync(Key, new WriteOptions { ContentType = "text/plain", Metadata = new Dictionary<string, string> { ["early"] = "1" } }))
        {
            await writer.WriteFromAsync(new MemoryStream(bytes));
            Assert.Null(await _store.StatAsync(Key));
            await writer.CommitAsync(new CommitOptions { ETag = "told-late", Metadata = new Dictionary<string, string> { ["late"] = "2" } }, CancellationToken.None);
        }

        await using S3BlobStore fresh = await S3BlobStore.OpenAsync(server.OptionsFor(_bucket));
        BlobInfo info = (await fresh.StatAsync(Key))!;
        Assert.Equal(("told-late", Crc32C.Of(bytes), (long)bytes.Length, "text/plain"), (info.ETag, info.Checksum, info.Length, info.ContentType));
        Assert.Equal([KeyValuePair.Create("late", "2")], info.Metadata);
        Assert.Equal(bytes, await fresh.GetBytesAsync(Key));
        Assert.Equal([Key.Value], (await fresh.ListPageAsync(new ListRequest())).Items.Select(i => i.Key.Value));

        // What it left for itself goes with it.
        await fresh.PutBytesAsync(Key, Bytes(10));
        Assert.Equal([Key.Value], await NamesAsync());
    }

    [Fact]
    public async Task A_large_write_under_a_condition_is_refused_or_whole()
    {
        byte[] bytes = Bytes(11 << 20);
        BlobInfo there = (await _store.PutBytesAsync(Key, Bytes(10))).Info!;
        foreach (WriteCondition refused in (WriteCondition[])[WriteCondition.IfAbsent, WriteCondition.IfMatch("other")])
        {
            WriteResult result = await _store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(bytes)), new WriteOptions { Condition = refused });
            Assert.Equal(WriteStatus.PreconditionFailed, result.Status);
        }

        Assert.Equal(Bytes(10), await _store.GetBytesAsync(Key));
        Assert.True((await _store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(bytes)), new WriteOptions { Condition = WriteCondition.IfMatch(there.ETag) })).IsWritten);
        Assert.Equal(bytes, await _store.GetBytesAsync(Key));
        Assert.Empty(await server.UploadsAsync(_bucket));
    }

    [Fact]
    public async Task Of_large_writes_under_IfAbsent_at_once_one_wins()
    {
        await using S3BlobStore other = await S3BlobStore.OpenAsync(server.OptionsFor(_bucket));
        byte[][] contents = [Bytes(11 << 20, 1), Bytes(11 << 20, 2)];
        WriteResult[] results = await Task.WhenAll(contents.Select((bytes, i) => Task.Run(async () =>
            await (i == 0 ? _store : other).WriteAsync(Key, BlobContent.FromStream(new MemoryStream(bytes)), new WriteOptions { Condition = WriteCondition.IfAbsent }))));
        int winner = Assert.Single(Enumerable.Range(0, 2), i => results[i].IsWritten);
        Assert.Equal(contents[winner], await _store.GetBytesAsync(Key));
    }

    [Fact]
    public async Task A_large_blob_is_copied_and_updated_and_keeps_its_checksum()
    {
        byte[] bytes = Bytes(11 << 20);
        await _store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(bytes)));
        BlobKey copy = BlobKey.Parse("copy");
        Assert.True((await _store.CopyAsync(Key, copy)).IsWritten);
        Assert.True((await _store.UpdateAsync(Key, new BlobChanges { ContentType = "text/plain" })).IsWritten);
        foreach (BlobKey key in (BlobKey[])[Key, copy])
        {
            Assert.Equal(Crc32C.Of(bytes), (await _store.StatAsync(key))!.Checksum);
            Assert.Equal(bytes, await _store.GetBytesAsync(key));
        }

        Assert.Equal("text/plain", (await _store.StatAsync(Key))!.ContentType);
    }

    [Fact]
    public async Task A_listing_that_need_not_be_exact_looks_at_no_object()
    {
        await _store.PutBytesAsync(Key, Bytes(10), new WriteOptions { ContentType = "text/plain" });
        BlobInfo info = Assert.Single((await _store.ListPageAsync(new ListRequest { Exact = false })).Items);
        Assert.Equal((Key, 10L, null, BlobVersion.None), (info.Key, info.Length, info.ContentType, info.Version));
        Assert.Equal(["dir/"], (await _store.ListPageAsync(new ListRequest { Exact = false, Delimiter = "/" })).Prefixes);
    }

    [Fact]
    public async Task A_prefix_is_a_store_of_its_own()
    {
        await using S3BlobStore inside = await S3BlobStore.OpenAsync(server.OptionsFor(_bucket) with { Prefix = "tenants/a/" });
        await _store.PutBytesAsync(Key, Bytes(1));
        await _store.PutBytesAsync(BlobKey.Parse("tenants/b"), Bytes(1));
        await inside.PutBytesAsync(Key, Bytes(2));
        Assert.Equal(Bytes(2), await _store.GetBytesAsync(BlobKey.Parse("tenants/a/dir/blob")));
        Assert.Equal([Key.Value], (await inside.ListPageAsync(new ListRequest())).Items.Select(i => i.Key.Value));
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await inside.PutBytesAsync(BlobKey.Parse(new string('k', 1020)), Bytes(1)));
        Assert.Equal(StorageErrorKind.Unsupported, error.Kind);
        Assert.Equal(1, (await inside.DeleteManyAsync([Key])).Deleted);
        Assert.Equal(Bytes(1), await _store.GetBytesAsync(Key));
    }

    [Fact]
    public async Task What_the_store_keeps_for_itself_is_nobodys_key()
    {
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await _store.PutBytesAsync(BlobKey.Parse(".strata/appendix/x"), Bytes(1)));
        Assert.Equal(StorageErrorKind.Unsupported, error.Kind);
        await _store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(Bytes(6 << 20))));
        Assert.Contains(await NamesAsync(), n => n.StartsWith(".strata/", StringComparison.Ordinal));
        Assert.Equal([Key.Value], (await _store.ListPageAsync(new ListRequest())).Items.Select(i => i.Key.Value));
        Assert.Equal(["dir/"], (await _store.ListPageAsync(new ListRequest { Delimiter = "/" })).Prefixes);
    }

    [Fact]
    public async Task A_bucket_that_is_not_there_is_no_missing_blob()
    {
        await using S3BlobStore store = await S3BlobStore.OpenAsync(server.OptionsFor("no-such-bucket"));
        foreach (Func<Task> action in (Func<Task>[])[async () => await store.StatAsync(Key), async () => await store.ReadAsync(Key), async () => await store.PutBytesAsync(Key, Bytes(1)), async () => await store.ListPageAsync(new ListRequest())])
        {
            StorageException error = await Assert.ThrowsAsync<StorageException>(action);
            Assert.Equal((StorageErrorKind.Unavailable, false), (error.Kind, error.IsTransient));
            Assert.Contains("bucket", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Wrong_credentials_are_access_denied_and_never_told()
    {
        await using S3BlobStore store = await S3BlobStore.OpenAsync(server.OptionsFor(_bucket) with { Credentials = new Amazon.Runtime.BasicAWSCredentials(server.KeyId, "not/the+secret0123456789") });
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await store.PutBytesAsync(Key, Bytes(1)));
        Assert.Equal((StorageErrorKind.AccessDenied, false, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
        Assert.DoesNotContain("not/the+secret", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Presigned_addresses_read_and_write_one_blob()
    {
        Assert.True(_store.TryGetFacet(out IPresignedUrls? urls));
        using var http = new HttpClient();
        Uri write = await urls.ForWriteAsync(Key, TimeSpan.FromMinutes(5), "text/plain");
        using var content = new ByteArrayContent(Bytes(100)) { Headers = { ContentType = new("text/plain") } };
        using HttpResponseMessage put = await http.PutAsync(write, content);
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
        Assert.Equal(Bytes(100), await _store.GetBytesAsync(Key));
        Assert.Equal(Bytes(100), await http.GetByteArrayAsync(await urls.ForReadAsync(Key, TimeSpan.FromMinutes(5))));
        await Assert.ThrowsAsync<ArgumentException>(async () => await urls.ForReadAsync(Key, TimeSpan.FromDays(8)));
    }

    private async Task RaceAsync(Func<int, int, WriteCondition> condition)
    {
        S3BlobStore[] stores = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => S3BlobStore.OpenAsync(server.OptionsFor(_bucket)).AsTask()));
        for (int round = 0; round < Rounds; round++)
        {
            BlobKey key = BlobKey.Parse($"race/{round}");
            WriteResult[] results = await Task.WhenAll(stores.Select((store, i) => Task.Run(async () =>
                await store.PutBytesAsync(key, Bytes(200, i), new WriteOptions { Condition = condition(round, i) }))));
            int winner = Assert.Single(Enumerable.Range(0, 16), i => results[i].IsWritten);
            Assert.All(results.Where(r => !r.IsWritten), r => Assert.Equal(WriteStatus.PreconditionFailed, r.Status));
            Assert.Equal(Bytes(200, winner), await _store.GetBytesAsync(key));
        }

        foreach (S3BlobStore store in stores) await store.DisposeAsync();
    }

    private async Task<string[]> NamesAsync() =>
        [.. ((await server.Client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = _bucket })).S3Objects ?? []).Select(o => o.Key)];

    private static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
