using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Strata.S3;
using Strata.Server;
using Xunit;

namespace Strata.Backends.Tests;

public abstract class S3RemoteStoreTests(S3Server server) : RemoteStoreTests
{
    private string _bucket = "";

    protected override bool IsBuriedOnly => !server.Provider.Honours(S3Abilities.ConditionalDelete);

    [Theory]
    [InlineData(12 << 20)]
    [InlineData((31 << 20) + 5)]
    public async Task A_blob_longer_than_one_copy_is_copied_and_updated_in_parts(int length)
    {
        // The server's own limit is 5 GiB.
        await using S3BlobStore store = await S3BlobStore.OpenAsync(server.OptionsFor(_bucket) with { MaxCopyBytes = 10 << 20, SingleWriter = true });
        BlobKey source = BlobKey.Parse("source"), target = BlobKey.Parse("target");
        byte[] bytes = Bytes(length);
        BlobInfo written = (await store.PutBytesAsync(source, bytes, new WriteOptions { ContentType = "a/b", Metadata = new Dictionary<string, string> { ["k"] = "v" } })).Info!;
        WriteResult copied = await store.CopyAsync(source, target);
        Assert.Equal((written.Checksum, "a/b", "v"), (copied.Info!.Checksum, copied.Info.ContentType, copied.Info.Metadata["k"]));
        AssertSame(bytes, await store.GetBytesAsync(target));
        Assert.Contains("-", (await server.Client.GetObjectMetadataAsync(_bucket, "target")).ETag, StringComparison.Ordinal);

        WriteResult updated = await store.UpdateAsync(target, new BlobChanges { ContentType = "c/d" }, WriteCondition.IfMatch(copied.Info.ETag));
        Assert.True(updated.IsWritten);
        await using S3BlobStore fresh = await S3BlobStore.OpenAsync(server.OptionsFor(_bucket));
        BlobInfo seen = (await fresh.StatAsync(target))!;
        Assert.Equal((updated.Info!.Version, written.Checksum, "c/d", "v"), (seen.Version, seen.Checksum, seen.ContentType, seen.Metadata["k"]));
        AssertSame(bytes, await fresh.GetBytesAsync(target));
        Assert.Equal(WriteStatus.PreconditionFailed, (await store.UpdateAsync(target, new BlobChanges { ContentType = "e/f" }, WriteCondition.IfMatch(copied.Info.ETag))).Status);
        Assert.Empty(await server.UploadsAsync(_bucket));
        Assert.Equal(2, (await NamesAsync()).Count(n => n.StartsWith(".strata/appendix/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_copy_in_parts_whose_source_changes_is_of_one_or_the_other()
    {
        await using S3BlobStore store = await S3BlobStore.OpenAsync(server.OptionsFor(_bucket) with { MaxCopyBytes = 10 << 20 }), other = await S3BlobStore.OpenAsync(server.OptionsFor(_bucket));
        BlobKey source = BlobKey.Parse("source"), target = BlobKey.Parse("target");
        byte[][] contents = [Bytes(21 << 20, 1), Bytes(21 << 20, 2)];
        await other.PutBytesAsync(source, contents[0]);
        for (int round = 0; round < 4; round++)
        {
            Task<WriteResult> copy = Task.Run(async () => await store.CopyAsync(source, target));
            await other.PutBytesAsync(source, contents[(round + 1) % 2]);
            Assert.True((await copy).IsWritten);
            byte[]? copied = await store.GetBytesAsync(target);
            Assert.True(contents.Any(c => c.AsSpan().SequenceEqual(copied)), "the copy is a mixture");
        }
    }

    [Fact]
    public async Task Reads_that_are_given_up_give_their_connections_back()
    {
        await using S3BlobStore store = await S3BlobStore.OpenAsync(server.OptionsFor(_bucket));
        BlobKey key = BlobKey.Parse("large");
        await store.PutBytesAsync(key, Bytes(2 << 20));
        for (int i = 0; i < 300; i++)
        {
            // More than the store has connections.
            await using BlobReadResult? read = await store.ReadAsync(key);
            await using Stream stream = read!.OpenStream();
            Assert.NotEqual(0, await stream.ReadAsync(new byte[1]));
        }
    }

    [Fact]
    public async Task A_sweep_ends_uploads_that_nobody_will_complete()
    {
        await server.Client.InitiateMultipartUploadAsync(_bucket, "left");
        await using S3BlobStore store = await S3BlobStore.OpenAsync(server.OptionsFor(_bucket), new StoreContext { Clock = Clock });
        Assert.Equal(0, (await store.SweepAsync()).Uploads);
        Assert.Single(await server.UploadsAsync(_bucket));
        ((Testing.FakeClock)Clock).Advance(TimeSpan.FromHours(25));
        await using IBlobWriter writing = await store.OpenWriterAsync(BlobKey.Parse("writing"));
        await writing.WriteAsync(Bytes(6 << 20), CancellationToken.None);
        Assert.Equal(1, (await store.SweepAsync(new SweepOptions { OnlyTombstones = true })).Uploads);
        Assert.Equal("writing", Assert.Single(await server.UploadsAsync(_bucket)).Key);
        Assert.True((await writing.CommitAsync(null, CancellationToken.None)).IsWritten);
    }

    [Fact]
    public async Task A_server_over_the_bucket_takes_uploads_of_S3_clients()
    {
        var key = new AccessKey { Id = server.KeyId, Secret = server.Secret, Grants = [AccessGrant.Everything] };
        var stores = new Dictionary<string, IBlobStore> { ["main"] = await OpenAsync() };
        await using (StrataServer front = await StrataServer.StartAsync(stores, new StrataServerOptions { Listen = "127.0.0.1:0", Access = new AccessKeyRing(key) }, null))
        {
            using var client = new AmazonS3Client(new BasicAWSCredentials(key.Id, key.Secret), new AmazonS3Config { ServiceURL = front.Address.ToString(), AuthenticationRegion = "us-east-1", ForcePathStyle = true });
            InitiateMultipartUploadResponse begun = await client.InitiateMultipartUploadAsync(new InitiateMultipartUploadRequest { BucketName = "main", Key = "a/b", ContentType = "text/plain" });
            byte[][] parts = [Bytes(5 << 20, 1), Bytes(7 << 20, 2), Bytes(77, 3)];
            var sent = new List<PartETag>();
            for (int i = 0; i < parts.Length; i++)
            {
                var request = new UploadPartRequest { BucketName = "main", Key = "a/b", UploadId = begun.UploadId, PartNumber = i + 1, InputStream = new MemoryStream(parts[i]) };
                sent.Add(new PartETag(i + 1, (await client.UploadPartAsync(request)).ETag));
            }

            Assert.Equal(3, (await client.ListPartsAsync("main", "a/b", begun.UploadId)).Parts.Count);
            await client.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest { BucketName = "main", Key = "a/b", UploadId = begun.UploadId, PartETags = sent });
            using GetObjectResponse got = await client.GetObjectAsync("main", "a/b");
            using var bytes = new MemoryStream();
            await got.ResponseStream.CopyToAsync(bytes);
            Assert.Equal("text/plain", got.Headers.ContentType);
            AssertSame([.. parts.SelectMany(p => p)], bytes.ToArray());
        }

        foreach (IBlobStore store in stores.Values) await store.DisposeAsync();
        Assert.DoesNotContain(await NamesAsync(), n => n.StartsWith(".strata/uploads/", StringComparison.Ordinal));
    }

    protected override async Task PrepareAsync() => _bucket = await server.CreateBucketAsync();

    protected override async ValueTask<IBlobStore> OpenAsync(TimeSpan? tombstones = null) =>
        await S3BlobStore.OpenAsync(server.OptionsFor(_bucket) with { KeepsTombstones = tombstones }, new StoreContext { Clock = Clock });

    protected override async Task<string[]> NamesAsync() =>
        [.. ((await server.Client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = _bucket })).S3Objects ?? []).Select(o => o.Key)];

    protected override async Task PutRawAsync(string name, string content) => await server.Client.PutObjectAsync(new PutObjectRequest { BucketName = _bucket, Key = name, ContentBody = content });

    protected override Task CleanUpAsync() => server.RemoveBucketAsync(_bucket);
}

[Collection(nameof(StrataS3Server))]
public sealed class StrataS3RemoteStoreTests(StrataS3Server server) : S3RemoteStoreTests(server);

[Collection(nameof(CephServer))]
public sealed class CephS3RemoteStoreTests(CephServer server) : S3RemoteStoreTests(server);
