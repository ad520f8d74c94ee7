using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Amazon.S3.Transfer;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>AWSSDK.S3 with its default settings (CRC-32 of everything, signed or unsigned trailers as it likes) and its TransferUtility.</summary>
public sealed class DotNetClientTests(ClientServer server) : IClassFixture<ClientServer>, IDisposable
{
    /// <summary>What TransferUtility takes if it is not told.</summary>
    private const int TransferPartLength = 8 << 20;

    private AmazonS3Client Client => field ??= NewClient();

    private TransferUtility Transfer => field ??= new TransferUtility(Client);

    [Fact]
    public async Task A_small_object_goes_and_comes_back()
    {
        byte[] bytes = ClientServer.Bytes(1000, seed: 50);
        var put = new PutObjectRequest { BucketName = "main", Key = "sm all/ü+.bin", InputStream = new MemoryStream(bytes), ContentType = "text/x-net" };
        put.Metadata["who"] = "net";
        Assert.Equal($"\"{ClientServer.MD5Of(bytes)}\"", (await Client.PutObjectAsync(put)).ETag);
        await server.AssertStoredAsync("sm all/ü+.bin", bytes);
        using GetObjectResponse got = await Client.GetObjectAsync("main", "sm all/ü+.bin");
        await AssertBodyAsync(bytes, got);
        Assert.Equal("text/x-net", got.Headers.ContentType);
        Assert.Equal("net", got.Metadata["who"]);
    }

    [Fact]
    public async Task The_checksum_that_the_sdk_sends_is_kept_and_told()
    {
        PutObjectResponse put = await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "summed", InputStream = new MemoryStream(ClientServer.Bytes(1000, seed: 51)) });
        GetObjectMetadataResponse head = await Client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = "main", Key = "summed", ChecksumMode = ChecksumMode.ENABLED });
        Assert.NotNull(put.ChecksumCRC32);
        Assert.Equal(put.ChecksumCRC32, head.ChecksumCRC32);
        Assert.Equal(ChecksumType.FULL_OBJECT, head.ChecksumType);
    }

    [Fact]
    public async Task A_large_object_goes_and_comes_back()
    {
        await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "large", FilePath = server.LargeFile });
        await server.AssertStoredAsync("large", ClientServer.Large);
        using GetObjectResponse got = await Client.GetObjectAsync("main", "large");
        await AssertBodyAsync(ClientServer.Large, got);
    }

    [Fact]
    public async Task A_large_object_goes_in_parts()
    {
        int since = server.Requests.Count;
        await Transfer.UploadAsync(server.LargeFile, "main", "parts");
        Assert.Equal(4, server.Requests.ChangesSince(since).Count(r => r.IsPart));
        await server.AssertStoredAsync("parts", ClientServer.Large);
        Assert.Equal($"\"{ClientServer.PartsETag(ClientServer.Large, TransferPartLength)}\"", (await Client.GetObjectMetadataAsync("main", "parts")).ETag);
        string back = Path.Combine(server.NewFolder(), "back");
        await Transfer.DownloadAsync(back, "main", "parts");
        await ClientServer.AssertFileAsync(ClientServer.Large, back);
    }

    [Fact]
    public async Task Content_of_unknown_length_goes_in_parts()
    {
        await using var unknown = new UnseekableStream(ClientServer.Large);
        await Transfer.UploadAsync(new TransferUtilityUploadRequest { BucketName = "main", Key = "unknown", InputStream = unknown, AutoCloseStream = false });
        await server.AssertStoredAsync("unknown", ClientServer.Large);
    }

    [Fact]
    public async Task A_broken_upload_is_resumed()
    {
        byte[][] parts = [.. ClientServer.Large.Chunk(ClientServer.PartLength)];
        string upload = (await Client.InitiateMultipartUploadAsync(new InitiateMultipartUploadRequest { BucketName = "main", Key = "resumed" })).UploadId;
        foreach (int number in (int[])[4, 2]) await PutPartAsync(Client, "resumed", upload, number, parts[number - 1]);

        // Another program, later: it knows the key only.
        using AmazonS3Client later = NewClient();
        ListMultipartUploadsResponse uploads = await later.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = "main", Prefix = "resumed" });
        string found = Assert.Single(uploads.MultipartUploads).UploadId;
        Assert.Equal(upload, found);
        ListPartsResponse there = await later.ListPartsAsync(new ListPartsRequest { BucketName = "main", Key = "resumed", UploadId = found });
        Assert.Equal([(2, $"\"{ClientServer.MD5Of(parts[1])}\""), (4, $"\"{ClientServer.MD5Of(parts[3])}\"")], there.Parts.Select(p => (p.PartNumber!.Value, p.ETag)));

        var complete = new CompleteMultipartUploadRequest { BucketName = "main", Key = "resumed", UploadId = found };
        foreach (PartDetail part in there.Parts) complete.AddPartETags(new PartETag(part.PartNumber!.Value, part.ETag) { ChecksumCRC32 = part.ChecksumCRC32 });
        foreach (int number in (int[])[1, 3, 5]) complete.AddPartETags(new PartETag(await PutPartAsync(later, "resumed", found, number, parts[number - 1])));
        complete.PartETags.Sort((a, b) => a.PartNumber!.Value.CompareTo(b.PartNumber!.Value));
        Assert.Equal($"\"{ClientServer.PartsETag(ClientServer.Large)}\"", (await later.CompleteMultipartUploadAsync(complete)).ETag);
        await server.AssertStoredAsync("resumed", ClientServer.Large);
    }

    [Fact]
    public async Task A_cancelled_upload_leaves_nothing()
    {
        using var cancel = new CancellationTokenSource();
        var request = new TransferUtilityUploadRequest { BucketName = "main", Key = "cancelled", FilePath = server.LargeFile };
        request.UploadProgressEvent += (_, progress) =>
        {
            if (progress.TransferredBytes > ClientServer.PartLength) cancel.Cancel();
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Transfer.UploadAsync(request, cancel.Token));
        await server.AssertAbsentAsync("cancelled");
        await Eventually.HoldsAsync(async () =>
            (await Client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = "main", Prefix = "cancelled" })).MultipartUploads is null or []);
    }

    [Fact]
    public async Task Ten_thousand_keys_are_listed()
    {
        var keys = new List<string>();
        await foreach (S3Object item in Client.Paginators.ListObjectsV2(new ListObjectsV2Request { BucketName = "many" }).S3Objects) keys.Add(item.Key);
        Assert.Equal(ClientServer.ManyKeys, keys);
    }

    [Fact]
    public async Task An_object_is_copied()
    {
        byte[] bytes = ClientServer.Bytes(5000, seed: 52);
        await server.PutAsync("copy from/a+b", bytes);
        foreach (string bucket in (string[])["main", "other"])
        {
            Assert.Equal($"\"{ClientServer.MD5Of(bytes)}\"", (await Client.CopyObjectAsync("main", "copy from/a+b", bucket, "copy-to")).ETag);
            await server.AssertStoredAsync("copy-to", bytes, bucket);
        }
    }

    [Fact]
    public async Task A_large_object_is_copied_in_parts()
    {
        await server.PutAsync("large-from", ClientServer.Large);
        string upload = (await Client.InitiateMultipartUploadAsync(new InitiateMultipartUploadRequest { BucketName = "other", Key = "large-to" })).UploadId;
        var complete = new CompleteMultipartUploadRequest { BucketName = "other", Key = "large-to", UploadId = upload };
        for (int number = 1; number <= 3; number++)
        {
            long first = (number - 1) * (10L << 20), last = Math.Min(number * (10L << 20), ClientServer.LargeLength) - 1;
            CopyPartResponse copied = await Client.CopyPartAsync(new CopyPartRequest
            {
                SourceBucket = "main", SourceKey = "large-from", DestinationBucket = "other", DestinationKey = "large-to", UploadId = upload, PartNumber = number,
                FirstByte = first, LastByte = last,
            });
            complete.AddPartETags(new PartETag(number, copied.ETag) { ChecksumCRC32 = copied.ChecksumCRC32 });
        }

        await Client.CompleteMultipartUploadAsync(complete);
        await server.AssertStoredAsync("large-to", ClientServer.Large, bucket: "other");
    }

    [Fact]
    public async Task A_folder_goes_and_comes_back()
    {
        string tree = server.NewTree(), back = server.NewFolder();
        await Transfer.UploadDirectoryAsync(new TransferUtilityUploadDirectoryRequest { BucketName = "main", KeyPrefix = "tree", Directory = tree, SearchOption = SearchOption.AllDirectories });
        Assert.Equal(ClientServer.FilesIn(tree).Select(f => $"tree/{f}"), (await ListAsync("tree/")).Keys.Order(StringComparer.Ordinal));
        await Transfer.DownloadDirectoryAsync("main", "tree", back);
        ClientServer.AssertSameTree(tree, back);
    }

    /// <summary>The SDK has no sync of its own; this is the one that programs write with it: by ETag, which is the MD5 of what was put as a whole.</summary>
    [Fact]
    public async Task The_second_sync_of_a_folder_finds_nothing_to_do()
    {
        string tree = server.NewTree();
        Assert.Equal(ClientServer.FilesIn(tree).Length, await SyncAsync(tree, "sync/"));
        int since = server.Requests.Count;
        Assert.Equal(0, await SyncAsync(tree, "sync/"));
        Assert.Empty(server.Requests.ChangesSince(since));

        await File.WriteAllTextAsync(Path.Combine(tree, "a.txt"), "changed");
        Assert.Equal(1, await SyncAsync(tree, "sync/"));
        Assert.Equal("/main/sync/a.txt", Assert.Single(server.Requests.ChangesSince(since)).Path);
    }

    [Fact]
    public async Task Deleted_objects_are_gone()
    {
        string[] keys = ["gone/one", "gone/two &<>\"'", "gone/dreißig"];
        foreach (string key in keys) await server.PutAsync(key, [1]);
        await Client.DeleteObjectAsync("main", "gone/one");
        DeleteObjectsResponse many = await Client.DeleteObjectsAsync(new DeleteObjectsRequest { BucketName = "main", Objects = [.. keys.Select(k => new KeyVersion { Key = k })] });
        Assert.Equal(keys, many.DeletedObjects.Select(d => d.Key));
        Assert.Empty(await ListAsync("gone/"));
    }

    [Fact]
    public async Task A_presigned_address_opens_one_object()
    {
        byte[] bytes = ClientServer.Bytes(3000, seed: 53);
        await server.PutAsync("pre signed+/é.bin", bytes);
        await server.AssertOpensOnlyAsync(await PresignAsync("pre signed+/é.bin", HttpVerb.GET), bytes);
    }

    [Fact]
    public async Task A_presigned_address_takes_an_upload_of_one_object()
    {
        string url = await PresignAsync("pre put+é", HttpVerb.PUT);
        byte[] bytes = ClientServer.Bytes(3000, seed: 54);
        using (HttpResponseMessage taken = await server.Http.PutAsync(url, new ByteArrayContent(bytes))) Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
        await server.AssertStoredAsync("pre put+é", bytes);
        using HttpResponseMessage read = await server.Http.GetAsync(url);
        Assert.Equal(HttpStatusCode.Forbidden, read.StatusCode);
    }

    [Fact]
    public async Task A_wrong_secret_is_refused()
    {
        using AmazonS3Client wrong = NewClient(ClientServer.WrongSecret);
        AmazonS3Exception refused = await Assert.ThrowsAsync<AmazonS3Exception>(() => wrong.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "refused", ContentBody = "x" }));
        Assert.Equal((HttpStatusCode.Forbidden, "SignatureDoesNotMatch"), (refused.StatusCode, refused.ErrorCode));
        await server.AssertAbsentAsync("refused");
    }

    public void Dispose()
    {
        Transfer.Dispose();
        Client.Dispose();
    }

    /// <summary>Nothing is set but where the server is and the key.</summary>
    private AmazonS3Client NewClient(string secret = ClientServer.Secret) => new(
        new BasicAWSCredentials(ClientServer.KeyId, secret),
        new AmazonS3Config { ServiceURL = server.Address.ToString(), ForcePathStyle = true, AuthenticationRegion = ClientServer.Region });

    private static Task<UploadPartResponse> PutPartAsync(AmazonS3Client client, string key, string upload, int number, byte[] part) => client.UploadPartAsync(
        new UploadPartRequest { BucketName = "main", Key = key, UploadId = upload, PartNumber = number, InputStream = new MemoryStream(part) });

    private static async Task AssertBodyAsync(byte[] expected, GetObjectResponse got)
    {
        using var body = new MemoryStream();
        await got.ResponseStream.CopyToAsync(body);
        Assert.True(expected.AsSpan().SequenceEqual(body.ToArray()), $"'{got.Key}' came back as {body.Length} bytes that are not the {expected.Length} uploaded.");
    }

    private Task<string> PresignAsync(string key, HttpVerb verb) => Client.GetPreSignedURLAsync(new GetPreSignedUrlRequest
    {
        BucketName = "main", Key = key, Verb = verb, Expires = TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(5), Protocol = Protocol.HTTP,
    });

    /// <summary>Keys and ETags.</summary>
    private async Task<Dictionary<string, string>> ListAsync(string prefix)
    {
        var found = new Dictionary<string, string>();
        await foreach (S3Object item in Client.Paginators.ListObjectsV2(new ListObjectsV2Request { BucketName = "main", Prefix = prefix }).S3Objects) found.Add(item.Key, item.ETag);
        return found;
    }

    /// <summary>Uploads what is not there as it is here; how many those were.</summary>
    private async Task<int> SyncAsync(string folder, string prefix)
    {
        Dictionary<string, string> there = await ListAsync(prefix);
        int sent = 0;
        foreach (string file in ClientServer.FilesIn(folder))
        {
            byte[] bytes = await File.ReadAllBytesAsync(Path.Combine(folder, file));
            if (there.GetValueOrDefault(prefix + file) == $"\"{ClientServer.MD5Of(bytes)}\"") continue;
            await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = prefix + file, InputStream = new MemoryStream(bytes) });
            sent++;
        }

        return sent;
    }

    /// <summary>Content of which nobody knows the length before its end, as from a pipe.</summary>
    private sealed class UnseekableStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
