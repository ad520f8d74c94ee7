using System.Net;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Sas;
using Strata.Azure;
using Xunit;
using BlobTier = Strata.Azure.AccessTier;

namespace Strata.Backends.Tests;

/// <summary>What the contract does not say and a container brings along: other writers, other readers, large blobs, access tiers.</summary>
[Collection(nameof(AzuriteServer))]
public sealed class AzureStoreTests(AzuriteServer server) : IAsyncLifetime
{
    private static readonly BlobKey Key = BlobKey.Parse("dir/blob");

    /// <summary>Of a race, 16 stores each.</summary>
    private static readonly int Rounds = LongForm.Of(100, 25);

    private string _container = "";
    private AzureBlobStore _store = null!;

    private BlobContainerClient Others => server.Client.GetBlobContainerClient(_container);

    public async ValueTask InitializeAsync()
    {
        _container = await server.CreateContainerAsync();
        _store = AzureBlobStore.Open(server.OptionsFor(_container));
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await server.RemoveContainerAsync(_container);
    }

    [Fact]
    public async Task Of_sixteen_stores_that_write_under_IfAbsent_exactly_one_wins_each_time() =>
        await RaceAsync(_ => WriteCondition.IfAbsent);

    [Fact]
    public async Task Of_sixteen_stores_that_write_under_IfMatch_exactly_one_wins_each_time()
    {
        string[] etags = new string[Rounds];
        for (int round = 0; round < Rounds; round++) etags[round] = (await _store.PutBytesAsync(BlobKey.Parse($"race/{round}"), Bytes(10, 100))).Info!.ETag;
        await RaceAsync(round => WriteCondition.IfMatch(etags[round]));
    }

    [Fact]
    public async Task Of_a_conditional_write_update_copy_and_delete_by_several_stores_one_wins()
    {
        AzureBlobStore[] stores = [.. Enumerable.Range(0, 4).Select(_ => AzureBlobStore.Open(server.OptionsFor(_container)))];
        BlobKey source = BlobKey.Parse("source");
        await _store.PutBytesAsync(source, Bytes(30));
        for (int round = 0; round < 50; round++)
        {
            BlobKey key = BlobKey.Parse($"race/{round}");
            WriteCondition condition = WriteCondition.IfMatch((await _store.PutBytesAsync(key, Bytes(10))).Info!.ETag);
            bool[] won = await Task.WhenAll(
                Task.Run(async () => (await stores[0].PutBytesAsync(key, Bytes(20), new WriteOptions { Condition = condition })).IsWritten),
                Task.Run(async () => (await stores[1].UpdateAsync(key, new BlobChanges { ContentType = "a/b" }, condition)).IsWritten),
                Task.Run(async () => (await stores[2].CopyAsync(source, key, new CopyOptions { Condition = condition })).IsWritten),
                Task.Run(async () => (await stores[3].DeleteAsync(key, condition)).Status == DeleteStatus.Deleted));
            int winner = Assert.Single(Enumerable.Range(0, 4), i => won[i]);
            Assert.Equal(winner switch { 0 => Bytes(20), 1 => Bytes(10), 2 => Bytes(30), _ => null }, await _store.GetBytesAsync(key));
        }

        foreach (AzureBlobStore store in stores) await store.DisposeAsync();
    }

    [Fact]
    public async Task Blobs_that_others_wrote_are_blobs_without_a_version()
    {
        BlobContentInfo put = await Others.GetBlobClient(Key.Value).UploadAsync(
            BinaryData.FromString("by others"),
            new BlobUploadOptions { HttpHeaders = new BlobHttpHeaders { ContentType = "text/x-others", CacheControl = "max-age=7" }, Metadata = new Dictionary<string, string> { ["who"] = "=?UTF-8?B?WsO8cmljaA==?=" } });
        string etag = put.ETag.ToString().Trim('"');
        BlobInfo info = (await _store.StatAsync(Key))!;
        Assert.Equal((etag, BlobVersion.None, 9L, "text/x-others", "Zürich"), (info.ETag, info.Version, info.Length, info.ContentType, info.Metadata["who"]));
        Assert.Equal(info, Assert.Single((await _store.ListPageAsync(new ListRequest())).Items) with { Metadata = info.Metadata });
        Assert.Equal("by others"u8.ToArray(), await _store.GetBytesAsync(Key));

        WriteResult updated = await _store.UpdateAsync(Key, new BlobChanges { ContentType = "text/ours", Expires = TimeProvider.System.GetUtcNow().AddHours(1) }, WriteCondition.IfMatch(etag));
        Assert.True(updated.IsWritten && updated.Info!.Version.IsKnown);
        Assert.Equal("by others"u8.ToArray(), await _store.GetBytesAsync(Key));
        Assert.Equal("Zürich", (await _store.StatAsync(Key))!.Metadata["who"]);
        BlobProperties seen = await Others.GetBlobClient(Key.Value).GetPropertiesAsync();
        Assert.Equal(("text/ours", "max-age=7"), (seen.ContentType, seen.CacheControl));
    }

    [Fact]
    public async Task Others_read_the_bytes_the_type_and_the_metadata_as_they_are()
    {
        await _store.PutBytesAsync(Key, Bytes(1000), new WriteOptions { ContentType = "image/png", ContentEncoding = "gzip", Metadata = new Dictionary<string, string> { ["who"] = "net", ["Wo-1"] = "Zürich", ["double"] = "a  b" } });
        BlobDownloadResult got = await Others.GetBlobClient(Key.Value).DownloadContentAsync();
        Assert.Equal(Bytes(1000), got.Content.ToArray());
        Assert.Equal(("image/png", "gzip", "net"), (got.Details.ContentType, got.Details.ContentEncoding, got.Details.Metadata["who"]));
        IReadOnlyDictionary<string, string> metadata = (await _store.StatAsync(Key))!.Metadata;
        Assert.Equal(("net", "Zürich", "a  b"), (metadata["who"], metadata["Wo-1"], metadata["double"]));
    }

    [Fact]
    public async Task A_large_stream_has_its_checksum_and_what_was_told_last()
    {
        byte[] bytes = Bytes((5 << 20) + 77);
        await using (IBlobWriter writer = await _store.OpenWriterAsync(Key, new WriteOptions { ContentType = "text/plain", Metadata = new Dictionary<string, string> { ["early"] = "1" } }))
        {
            await writer.WriteFromAsync(new MemoryStream(bytes));
            Assert.Null(await _store.StatAsync(Key));
            Assert.Empty((await _store.ListPageAsync(new ListRequest())).Items);
            await writer.CommitAsync(new CommitOptions { ETag = "told-late", Metadata = new Dictionary<string, string> { ["late"] = "2" } }, CancellationToken.None);
        }

        await using AzureBlobStore fresh = AzureBlobStore.Open(server.OptionsFor(_container));
        BlobInfo info = (await fresh.StatAsync(Key))!;
        Assert.Equal(("told-late", Crc32C.Of(bytes), (long)bytes.Length, "text/plain"), (info.ETag, info.Checksum, info.Length, info.ContentType));
        Assert.Equal([KeyValuePair.Create("late", "2")], info.Metadata);
        Assert.Equal(bytes, await fresh.GetBytesAsync(Key));
    }

    [Fact]
    public async Task Metadata_too_long_for_headers_is_kept_beside_the_blob_and_goes_with_it()
    {
        var metadata = new Dictionary<string, string> { ["long"] = new string('ü', 3500) };
        await _store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Metadata = metadata });
        await using AzureBlobStore fresh = AzureBlobStore.Open(server.OptionsFor(_container));
        Assert.Equal(metadata, (await fresh.StatAsync(Key))!.Metadata);
        BlobInfo listed = Assert.Single((await fresh.ListPageAsync(new ListRequest())).Items);
        Assert.Equal((Key, metadata["long"]), (listed.Key, listed.Metadata["long"]));
        Assert.Equal(2, (await NamesAsync()).Count);
        await fresh.PutBytesAsync(Key, Bytes(10));
        Assert.Equal([Key.Value], await NamesAsync());
    }

    [Fact]
    public async Task Of_large_writes_under_IfAbsent_at_once_one_wins()
    {
        await using AzureBlobStore other = AzureBlobStore.Open(server.OptionsFor(_container));
        byte[][] contents = [Bytes(5 << 20, 1), Bytes(5 << 20, 2)];
        WriteResult[] results = await Task.WhenAll(contents.Select((bytes, i) => Task.Run(async () =>
            await (i == 0 ? _store : other).WriteAsync(Key, BlobContent.FromStream(new MemoryStream(bytes)), new WriteOptions { Condition = WriteCondition.IfAbsent }))));
        int winner = Assert.Single(Enumerable.Range(0, 2), i => results[i].IsWritten);
        Assert.Equal(WriteStatus.PreconditionFailed, results[1 - winner].Status);
        Assert.Equal(contents[winner], await _store.GetBytesAsync(Key));
    }

    [Fact]
    public async Task A_large_write_that_was_overtaken_begins_again_or_says_so()
    {
        await using (IBlobWriter writer = await _store.OpenWriterAsync(Key))
        {
            await writer.WriteFromAsync(new MemoryStream(Bytes(3 << 20)));
            await _store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(Bytes(2 << 20, 2))));
            StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await writer.CommitAsync(null, CancellationToken.None));
            Assert.Equal((StorageErrorKind.Unavailable, true, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
            Assert.Equal(Bytes(2 << 20, 2), await _store.GetBytesAsync(Key));
        }

        WriteResult[] results = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(async () => await _store.WriteAsync(Key, BlobContent.From(Bytes(3 << 20, i))))));
        Assert.All(results, r => Assert.True(r.IsWritten));
        Assert.Contains(await _store.GetBytesAsync(Key), Enumerable.Range(0, 4).Select(i => Bytes(3 << 20, i)));
    }

    [Fact]
    public async Task A_blob_is_copied_and_updated_and_keeps_its_checksum()
    {
        byte[] bytes = Bytes(5 << 20);
        await _store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(bytes)));
        BlobKey copy = BlobKey.Parse("copy é%/x");
        Assert.True((await _store.CopyAsync(Key, copy, new CopyOptions { Replace = new BlobChanges { ContentType = "text/copy" } })).IsWritten);
        Assert.True((await _store.UpdateAsync(Key, new BlobChanges { ContentType = "text/plain" })).IsWritten);
        foreach (BlobKey key in (BlobKey[])[Key, copy])
        {
            Assert.Equal(Crc32C.Of(bytes), (await _store.StatAsync(key))!.Checksum);
            Assert.Equal(bytes, await _store.GetBytesAsync(key));
            Assert.Equal(key == copy ? "text/copy" : "text/plain", (await Others.GetBlobClient(key.Value).GetPropertiesAsync()).Value.ContentType);
        }
    }

    [Fact]
    public async Task A_prefix_is_a_store_of_its_own()
    {
        await using AzureBlobStore inside = AzureBlobStore.Open(server.OptionsFor(_container) with { Prefix = "tenants/a/" });
        await _store.PutBytesAsync(Key, Bytes(1));
        await _store.PutBytesAsync(BlobKey.Parse("tenants/b"), Bytes(1));
        await inside.PutBytesAsync(Key, Bytes(2));
        Assert.Equal(Bytes(2), await _store.GetBytesAsync(BlobKey.Parse("tenants/a/dir/blob")));
        Assert.Equal([Key.Value], (await inside.ListPageAsync(new ListRequest())).Items.Select(i => i.Key.Value));
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await inside.PutBytesAsync(BlobKey.Parse(new string('k', 1020)), Bytes(1)));
        Assert.Equal(StorageErrorKind.Unsupported, error.Kind);
        Assert.Equal(1, (await inside.DeleteManyAsync([Key, Key])).Deleted);
        Assert.Equal(Bytes(1), await _store.GetBytesAsync(Key));
    }

    [Fact]
    public async Task A_container_that_is_not_there_is_no_missing_blob()
    {
        await using AzureBlobStore store = AzureBlobStore.Open(server.OptionsFor("no-such-container"));
        foreach (Func<Task> action in (Func<Task>[])[async () => await store.StatAsync(Key), async () => await store.ReadAsync(Key), async () => await store.PutBytesAsync(Key, Bytes(1)), async () => await store.ListPageAsync(new ListRequest())])
        {
            StorageException error = await Assert.ThrowsAsync<StorageException>(action);
            Assert.Equal((StorageErrorKind.Unavailable, false), (error.Kind, error.IsTransient));
            Assert.Contains("container", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Wrong_credentials_are_access_denied_and_never_told()
    {
        string wrong = Convert.ToBase64String("not the key at all, whatever it is"u8);
        AzureBlobStoreOptions options = server.OptionsFor(_container) with { AccountKey = wrong };
        await using AzureBlobStore store = AzureBlobStore.Open(options);
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await store.PutBytesAsync(Key, Bytes(1)));
        Assert.Equal((StorageErrorKind.AccessDenied, false, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
        Assert.DoesNotContain(wrong, error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(wrong, options.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Presigned_addresses_read_and_write_one_blob()
    {
        Assert.True(_store.TryGetFacet(out IPresignedUrls? urls));
        using var http = new HttpClient();
        using var content = new ByteArrayContent(Bytes(100)) { Headers = { { "x-ms-blob-type", "BlockBlob" } } };
        using HttpResponseMessage put = await http.PutAsync(await urls.ForWriteAsync(Key, TimeSpan.FromMinutes(5)), content);
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
        Assert.Equal(Bytes(100), await _store.GetBytesAsync(Key));
        Uri read = await urls.ForReadAsync(Key, TimeSpan.FromMinutes(5));
        Assert.Equal(Bytes(100), await http.GetByteArrayAsync(read));
        using HttpResponseMessage refused = await http.DeleteAsync(read);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        await Assert.ThrowsAsync<ArgumentException>(async () => await urls.ForReadAsync(Key, TimeSpan.FromDays(8)));
        await Assert.ThrowsAsync<StorageException>(async () => await urls.ForWriteAsync(Key, TimeSpan.FromMinutes(5), "text/plain"));
    }

    [Fact]
    public async Task A_shared_access_signature_is_enough_for_everything_but_signing()
    {
        string sas = Others.GenerateSasUri(BlobContainerSasPermissions.All, TimeProvider.System.GetUtcNow().AddHours(1)).Query;
        await using AzureBlobStore store = AzureBlobStore.Open(server.OptionsFor(_container) with { AccountKey = null, Sas = sas });
        await store.PutBytesAsync(Key, Bytes(10));
        Assert.True((await store.CopyAsync(Key, BlobKey.Parse("copy"))).IsWritten);
        Assert.Equal(2, (await store.ListPageAsync(new ListRequest())).Items.Count);
        Assert.False(store.TryGetFacet<IPresignedUrls>(out _));
    }

    [Fact]
    public async Task A_blob_moves_between_tiers_and_out_of_the_archive_only_by_rehydration()
    {
        Assert.True(_store.TryGetFacet(out IAccessTiers? tiers));
        BlobInfo info = (await _store.PutBytesAsync(Key, Bytes(10))).Info!;
        foreach (BlobTier tier in (BlobTier[])[BlobTier.Cool, BlobTier.Cold, BlobTier.Hot, BlobTier.Archive])
        {
            Assert.True(await tiers.SetTierAsync(Key, tier));
            Assert.Equal(tier, (await tiers.GetTierAsync(Key))!.Tier);
        }

        Assert.False((await tiers.GetTierAsync(Key))!.IsOnline);
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await _store.ReadAsync(Key));
        Assert.Equal((StorageErrorKind.Unsupported, false), (error.Kind, error.IsTransient));
        Assert.Contains(nameof(IAccessTiers.RehydrateAsync), error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<StorageException>(async () => await tiers.SetTierAsync(Key, BlobTier.Hot));
        Assert.Contains(nameof(IAccessTiers.RehydrateAsync), error.Message, StringComparison.Ordinal);
        Assert.Equal(info.ETag, (await _store.StatAsync(Key))!.ETag);

        // The emulator brings it back at once.
        Assert.True(await tiers.RehydrateAsync(Key, BlobTier.Cool, isUrgent: true));
        Assert.Equal(new AccessTierStatus(BlobTier.Cool, null), await tiers.GetTierAsync(Key));
        Assert.Equal(Bytes(10), await _store.GetBytesAsync(Key));
        Assert.Null(await tiers.GetTierAsync(BlobKey.Parse("none")));
        Assert.False(await tiers.SetTierAsync(BlobKey.Parse("none"), BlobTier.Hot));
        await Assert.ThrowsAsync<ArgumentException>(async () => await tiers.RehydrateAsync(Key, BlobTier.Archive));
    }

    [Fact]
    public async Task What_is_written_is_in_the_tier_that_was_set()
    {
        await using AzureBlobStore store = AzureBlobStore.Open(server.OptionsFor(_container) with { AccessTier = BlobTier.Cool });
        await store.PutBytesAsync(Key, Bytes(10));
        await store.WriteAsync(BlobKey.Parse("large"), BlobContent.FromStream(new MemoryStream(Bytes(2 << 20))));
        Assert.Equal(BlobTier.Cool, (await store.GetTierAsync(Key))!.Tier);
        Assert.Equal(BlobTier.Cool, (await store.GetTierAsync(BlobKey.Parse("large")))!.Tier);
    }

    private async Task RaceAsync(Func<int, WriteCondition> condition)
    {
        AzureBlobStore[] stores = [.. Enumerable.Range(0, 16).Select(_ => AzureBlobStore.Open(server.OptionsFor(_container)))];
        for (int round = 0; round < Rounds; round++)
        {
            BlobKey key = BlobKey.Parse($"race/{round}");
            WriteResult[] results = await Task.WhenAll(stores.Select((store, i) => Task.Run(async () =>
                await store.PutBytesAsync(key, Bytes(200, i), new WriteOptions { Condition = condition(round) }))));
            int winner = Assert.Single(Enumerable.Range(0, 16), i => results[i].IsWritten);
            Assert.All(results.Where(r => !r.IsWritten), r => Assert.Equal(WriteStatus.PreconditionFailed, r.Status));
            Assert.Equal(Bytes(200, winner), await _store.GetBytesAsync(key));
        }

        foreach (AzureBlobStore store in stores) await store.DisposeAsync();
    }

    private async Task<List<string>> NamesAsync()
    {
        var names = new List<string>();
        await foreach (BlobItem item in Others.GetBlobsAsync()) names.Add(item.Name);
        return names;
    }

    private static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
