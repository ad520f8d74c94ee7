using System.Text;
using Amazon.S3.Model;
using Strata.S3;
using Strata.Testing;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>Hot in memory, warm on disk, cold in a bucket that others write to as well.</summary>
public abstract class TiersOverS3Tests(S3Server server) : IAsyncLifetime
{
    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(30);
    private static readonly BlobKey Key = BlobKey.Parse("user/123");
    private readonly string _folder = Directory.CreateTempSubdirectory("strata-tiers-").FullName;
    private readonly FakeClock _clock = new(TimeProvider.System.GetUtcNow());
    private string _bucket = "";

    public async ValueTask InitializeAsync() => _bucket = await server.CreateBucketAsync();

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await server.RemoveBucketAsync(_bucket);
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>The first example of the library that this one takes after: a write goes down to all tiers, a read bubbles up, a delete is everywhere.</summary>
    [Fact]
    public async Task A_write_goes_to_all_tiers_a_read_bubbles_up_and_a_restart_keeps_what_is_warm()
    {
        await using (TieredBlobStore store = await OpenAsync("one"))
        {
            WriteResult written = await store.PutBytesAsync(Key, "Alice"u8.ToArray(), new WriteOptions { ContentType = "text/plain", Metadata = new Dictionary<string, string> { ["team"] = "blau 🟦" } });
            Assert.Equal(["hot", "warm", "cold"], written.Tiers);
            Assert.Equal(["hot", "warm", "cold"], await store.LocateAsync(Key));
            Assert.Equal("hot", await SourceAsync(store));
        }

        await using (TieredBlobStore again = await OpenAsync("one"))
        {
            Assert.Equal("warm", await SourceAsync(again));
            await Eventually.HoldsAsync(async () => await SourceAsync(again) == "hot", what: "what is read is not promoted");
            BlobInfo info = (await again.StatAsync(Key))!;
            Assert.Equal(("text/plain", "blau 🟦"), (info.ContentType, info.Metadata["team"]));
        }

        await using TieredBlobStore elsewhere = await OpenAsync("two");
        Assert.Equal("cold", await SourceAsync(elsewhere));
        Assert.Equal("Alice", await GetAsync(elsewhere));
        Assert.Equal(DeleteStatus.Deleted, (await elsewhere.DeleteAsync(Key)).Status);
        Assert.Empty(await elsewhere.LocateAsync(Key));
        await using TieredBlobStore one = await OpenAsync("one");
        Assert.Null(await GetAsync(one));
    }

    [Fact]
    public async Task Objects_that_others_wrote_are_read_promoted_overwritten_and_deleted_and_their_changes_seen_in_time()
    {
        await using TieredBlobStore store = await OpenAsync("one");
        await ForeignAsync("theirs");
        Assert.Equal("theirs", await GetAsync(store));
        await Eventually.HoldsAsync(async () => (await store.LocateAsync(Key)).Count == 3, what: "a foreign object is not promoted");
        Assert.Equal("hot", await SourceAsync(store));
        Assert.False((await store.StatAsync(Key))!.Version.IsKnown);

        await ForeignAsync("changed");
        _clock.Advance(FreshFor - TimeSpan.FromMilliseconds(1));
        Assert.Equal("theirs", await GetAsync(store));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("changed", await GetAsync(store));

        await store.PutBytesAsync(Key, "mine"u8.ToArray());
        Assert.Equal("mine", await GetAsync(store));
        using (GetObjectResponse seen = await server.Client.GetObjectAsync(_bucket, Key.Value))
        using (var reader = new StreamReader(seen.ResponseStream)) Assert.Equal("mine", await reader.ReadToEndAsync());

        await server.Client.DeleteObjectAsync(_bucket, Key.Value);
        _clock.Advance(FreshFor);
        Assert.Null(await GetAsync(store));
        await ForeignAsync("again");
        Assert.Equal("again", await GetAsync(store));
        Assert.Equal(DeleteStatus.Deleted, (await store.DeleteAsync(Key)).Status);
        await Assert.ThrowsAnyAsync<Amazon.S3.AmazonS3Exception>(() => server.Client.GetObjectMetadataAsync(_bucket, Key.Value));
    }

    [Fact]
    public async Task Two_stores_over_one_bucket_see_each_other_within_the_time_and_the_bucket_decides_conditions()
    {
        await using TieredBlobStore one = await OpenAsync("one"), two = await OpenAsync("two");
        string first = (await one.PutBytesAsync(Key, "first"u8.ToArray())).Info!.ETag;
        Assert.Equal("first", await GetAsync(two));
        await Eventually.HoldsAsync(async () => (await two.LocateAsync(Key)).Count == 3, what: "the other store has no copies");
        WriteResult second = await one.PutBytesAsync(Key, "second"u8.ToArray(), new WriteOptions { Condition = WriteCondition.IfMatch(first) });
        Assert.True(second.IsWritten);
        Assert.Equal("second", await GetAsync(one));
        Assert.Equal("first", await GetAsync(two));
        WriteResult late = await two.PutBytesAsync(Key, "lost update"u8.ToArray(), new WriteOptions { Condition = WriteCondition.IfMatch(first) });
        Assert.Equal(WriteStatus.PreconditionFailed, late.Status);
        _clock.Advance(FreshFor);
        Assert.Equal("second", await GetAsync(two));
        Assert.Equal("second", await GetAsync(one));

        // Unchanged, it is asked for and not loaded again.
        TierStatistics cold = two.GetTierStatistics()[^1];
        _clock.Advance(FreshFor);
        Assert.Equal("second", await GetAsync(two));
        Assert.Equal(cold.Hits, two.GetTierStatistics()[^1].Hits);
    }

    [Fact]
    public async Task A_large_blob_is_streamed_through_promoted_and_its_parts_are_read_from_the_copy()
    {
        byte[] content = new byte[12 << 20];
        new Random(5).NextBytes(content);
        await using TieredBlobStore store = await OpenAsync("one");
        await using (IBlobWriter writer = await store.OpenWriterAsync(Key))
        {
            for (int at = 0; at < content.Length; at += 1 << 20) await writer.WriteAsync(content.AsMemory(at, 1 << 20), CancellationToken.None);
            Assert.True((await writer.CommitAsync(null, CancellationToken.None)).IsWritten);
        }

        await Eventually.HoldsAsync(async () => (await store.LocateAsync(Key)).Contains("warm"), what: "the copy is not made");
        await using (BlobReadResult? part = await store.ReadAsync(Key, new ReadOptions { Range = BlobRange.From(7 << 20, 100) }))
        {
            Assert.NotEqual("cold", part!.Source);
            Assert.Equal(content[(7 << 20)..((7 << 20) + 100)], await part.ToArrayAsync());
        }

        _clock.Advance(FreshFor);
        Assert.Equal(content, await store.GetBytesAsync(Key));
    }

    [Fact]
    public async Task An_upload_in_parts_goes_to_the_bucket_and_leaves_no_older_copy_above_it()
    {
        await using TieredBlobStore store = await OpenAsync("one");
        await store.PutBytesAsync(Key, "old"u8.ToArray());
        Assert.True(store.TryGetFacet(out IMultipartUploads? uploads), "a tiered store over a bucket takes uploads in parts");
        MultipartUpload upload = await uploads.CreateAsync(Key);
        byte[] content = new byte[(5 << 20) + 1000];
        new Random(6).NextBytes(content);
        var parts = new List<PartReference>();
        foreach ((int number, Range range) in new[] { (1, ..(5 << 20)), (2, (5 << 20)..) })
        {
            await using IBlobWriter? part = await uploads.OpenPartAsync(Key, upload.Id, number);
            await part!.WriteAsync(content.AsMemory(range), CancellationToken.None);
            parts.Add(new PartReference(number, (await part.CommitAsync(null, CancellationToken.None)).Info!.ETag));
        }

        Assert.Equal("old", await GetAsync(store));
        Assert.Equal(CompleteStatus.Completed, (await uploads.CompleteAsync(Key, upload.Id, parts)).Status);
        Assert.Equal(content, await store.GetBytesAsync(Key));
    }

    private async Task<TieredBlobStore> OpenAsync(string node) => await new TieredStoreBuilder()
        .AddTier("hot", "memory:?maxBytes=32MiB")
        .AddTier("warm", $"file:{_folder}/{node}/warm")
        .AddTier("cold", await S3BlobStore.OpenAsync(server.OptionsFor(_bucket) with { Name = "cold" }))
        .WithState($"file:{_folder}/{node}/state")
        .WithOptions(new TieringOptions { Name = node, FreshFor = FreshFor })
        .WithContext(StoreContext.Default with { Clock = _clock })
        .OpenAsync();

    private async Task ForeignAsync(string text) =>
        await server.Client.PutObjectAsync(new PutObjectRequest { BucketName = _bucket, Key = Key.Value, ContentBody = text, UseChunkEncoding = false });

    private static async Task<string?> GetAsync(IBlobStore store) => await store.GetBytesAsync(Key) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    private static async Task<string> SourceAsync(IBlobStore store)
    {
        await using BlobReadResult? read = await store.ReadAsync(Key);
        return read!.Source;
    }
}
