using System.Net;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>AWSSDK.S3 with its default settings.</summary>
public class AwsSdkTests : ServerTests
{
    private AmazonS3Client Client => field ??= Running.CreateClient();

    [Fact]
    public async Task Puts_and_gets_an_object_with_its_metadata()
    {
        var put = new PutObjectRequest { BucketName = "main", Key = "a/b c+d/é.txt", ContentBody = "hello", ContentType = "text/plain; charset=utf-8" };
        put.Metadata["owner"] = "anna";
        put.Headers.CacheControl = "max-age=60";
        put.Headers.ContentEncoding = "identity";
        PutObjectResponse written = await Client.PutObjectAsync(put);
        Assert.Equal($"\"{Convert.ToHexStringLower(MD5.HashData("hello"u8))}\"", written.ETag);

        using GetObjectResponse read = await Client.GetObjectAsync("main", "a/b c+d/é.txt");
        using var reader = new StreamReader(read.ResponseStream);
        Assert.Equal("hello", await reader.ReadToEndAsync());
        Assert.Equal("text/plain; charset=utf-8", read.Headers.ContentType);
        Assert.Equal("anna", read.Metadata["owner"]);
        Assert.Equal("max-age=60", read.Headers.CacheControl);
        Assert.Equal("identity", read.Headers.ContentEncoding);
        Assert.Equal(written.ETag, read.ETag);

        BlobInfo? info = await Running.Store.StatAsync(BlobKey.Parse("a/b c+d/é.txt"));
        Assert.Equal("anna", info!.Metadata["owner"]);
        Assert.Equal("identity", info.ContentEncoding);
    }

    [Fact]
    public async Task Head_tells_what_get_would()
    {
        await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "k", ContentBody = "0123456789" });
        GetObjectMetadataResponse head = await Client.GetObjectMetadataAsync("main", "k");
        Assert.Equal(10, head.ContentLength);
        Assert.Equal($"\"{Convert.ToHexStringLower(MD5.HashData("0123456789"u8))}\"", head.ETag);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(5 * 1024 * 1024)]
    public async Task A_body_of_any_size_comes_back_as_it_went(int length)
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(length);
        await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "sized", InputStream = new MemoryStream(bytes) });
        using GetObjectResponse read = await Client.GetObjectAsync("main", "sized");
        using var copy = new MemoryStream();
        await read.ResponseStream.CopyToAsync(copy);
        Assert.Equal(bytes, copy.ToArray());
        Assert.Equal($"\"{Convert.ToHexStringLower(MD5.HashData(bytes))}\"", read.ETag);
    }

    // The SDK computes the other two with a native package; S3BodyTests sends them by hand.
    [Theory]
    [InlineData("CRC32")]
    [InlineData("SHA1")]
    [InlineData("SHA256")]
    public async Task Checksums_are_accepted_as_trailers(string algorithm)
    {
        await Client.PutObjectAsync(new PutObjectRequest
        {
            BucketName = "main", Key = "sum", ContentBody = new string('x', 100_000), ChecksumAlgorithm = new Amazon.S3.ChecksumAlgorithm(algorithm),
        });
        Assert.Equal(100_000, (await Client.GetObjectMetadataAsync("main", "sum")).ContentLength);
    }

    [Fact]
    public async Task Chunk_signatures_are_accepted()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(300_000);
        var put = new PutObjectRequest { BucketName = "main", Key = "signed", InputStream = new MemoryStream(bytes), UseChunkEncoding = true, DisablePayloadSigning = false };
        await Client.PutObjectAsync(put);
        Assert.Equal(bytes, await Running.Store.GetBytesAsync(BlobKey.Parse("signed")));
    }

    [Fact]
    public async Task Lists_with_paging_and_delimiter()
    {
        for (int i = 0; i < 25; i++) await Running.Store.PutBytesAsync(BlobKey.Parse($"list/{i:d2}"), new byte[i]);
        await Running.Store.PutBytesAsync(BlobKey.Parse("list/sub/one"), new byte[1]);
        await Running.Store.PutBytesAsync(BlobKey.Parse("list/sub/two"), new byte[1]);

        var keys = new List<string>();
        var request = new ListObjectsV2Request { BucketName = "main", Prefix = "list/", Delimiter = "/", MaxKeys = 10 };
        ListObjectsV2Response page;
        int pages = 0;
        do
        {
            page = await Client.ListObjectsV2Async(request);
            pages++;
            keys.AddRange((page.S3Objects ?? []).Select(o => o.Key));
            keys.AddRange(page.CommonPrefixes ?? []);
            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated == true);

        Assert.Equal([.. Enumerable.Range(0, 25).Select(i => $"list/{i:d2}"), "list/sub/"], keys);
        Assert.Equal(3, pages);
    }

    [Fact]
    public async Task Lists_by_the_first_version_with_markers()
    {
        for (int i = 0; i < 7; i++) await Running.Store.PutBytesAsync(BlobKey.Parse($"d{i}/x"), new byte[1]);
        await Running.Store.PutBytesAsync(BlobKey.Parse("d3.txt"), new byte[1]);
        var seen = new List<string>();
        var request = new ListObjectsRequest { BucketName = "main", Prefix = "d", Delimiter = "/", MaxKeys = 3 };
        ListObjectsResponse page;
        do
        {
            page = await Client.ListObjectsAsync(request);
            seen.AddRange((page.S3Objects ?? []).Select(o => o.Key));
            seen.AddRange(page.CommonPrefixes ?? []);
            request.Marker = page.NextMarker;
        }
        while (page.IsTruncated == true);
        seen.Sort(StringComparer.Ordinal);
        Assert.Equal(["d0/", "d1/", "d2/", "d3.txt", "d3/", "d4/", "d5/", "d6/"], seen);
    }

    [Fact]
    public async Task Copies_within_and_between_buckets()
    {
        var put = new PutObjectRequest { BucketName = "main", Key = "from é+", ContentBody = "copied", ContentType = "text/plain" };
        put.Metadata["a"] = "1";
        string etag = (await Client.PutObjectAsync(put)).ETag;

        Assert.Equal(etag, (await Client.CopyObjectAsync("main", "from é+", "main", "to")).ETag);
        GetObjectMetadataResponse copy = await Client.GetObjectMetadataAsync("main", "to");
        Assert.Equal("1", copy.Metadata["a"]);
        Assert.Equal(etag, copy.ETag);

        await Client.CopyObjectAsync("main", "from é+", "other", "to");
        GetObjectMetadataResponse other = await Client.GetObjectMetadataAsync("other", "to");
        Assert.Equal("1", other.Metadata["a"]);
        Assert.Equal("text/plain", other.Headers.ContentType);
        Assert.Equal(etag, other.ETag);

        var replace = new CopyObjectRequest
        {
            SourceBucket = "main", SourceKey = "to", DestinationBucket = "main", DestinationKey = "to", MetadataDirective = S3MetadataDirective.REPLACE, ContentType = "text/html",
        };
        replace.Metadata["b"] = "2";
        await Client.CopyObjectAsync(replace);
        copy = await Client.GetObjectMetadataAsync("main", "to");
        Assert.Equal("2", copy.Metadata["b"]);
        Assert.Null(copy.Metadata["a"]);
        Assert.Equal("text/html", copy.Headers.ContentType);
    }

    [Fact]
    public async Task A_copy_checks_its_source_and_refuses_itself()
    {
        string etag = (await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "s", ContentBody = "x" })).ETag;
        await FailsAsync(HttpStatusCode.BadRequest, "InvalidRequest", () => Client.CopyObjectAsync("main", "s", "main", "s"));
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchKey", () => Client.CopyObjectAsync("main", "missing", "main", "t"));
        var guarded = new CopyObjectRequest { SourceBucket = "main", SourceKey = "s", DestinationBucket = "main", DestinationKey = "t", ETagToMatch = "\"other\"" };
        await FailsAsync(HttpStatusCode.PreconditionFailed, "PreconditionFailed", () => Client.CopyObjectAsync(guarded));
        guarded.ETagToMatch = etag;
        await Client.CopyObjectAsync(guarded);
    }

    [Fact]
    public async Task Deletes_one_and_many()
    {
        for (int i = 0; i < 5; i++) await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = $"del/{i}", ContentBody = "x" });
        await Client.DeleteObjectAsync("main", "del/0");
        await Client.DeleteObjectAsync("main", "del/0");
        DeleteObjectsResponse many = await Client.DeleteObjectsAsync(new DeleteObjectsRequest
        {
            BucketName = "main", Objects = [.. Enumerable.Range(1, 4).Select(i => new KeyVersion { Key = $"del/{i}" }), new KeyVersion { Key = "never there" }],
        });
        Assert.Equal(5, many.DeletedObjects.Count);
        Assert.Empty((await Client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = "main", Prefix = "del/" })).S3Objects ?? []);
    }

    [Fact]
    public async Task Reads_ranges()
    {
        await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "r", ContentBody = "0123456789" });
        using GetObjectResponse middle = await Client.GetObjectAsync(new GetObjectRequest { BucketName = "main", Key = "r", ByteRange = new Amazon.S3.Model.ByteRange(2, 4) });
        using var reader = new StreamReader(middle.ResponseStream);
        Assert.Equal("234", await reader.ReadToEndAsync());
        Assert.Equal(HttpStatusCode.PartialContent, middle.HttpStatusCode);
        await FailsAsync(HttpStatusCode.RequestedRangeNotSatisfiable, "InvalidRange",
            () => Client.GetObjectAsync(new GetObjectRequest { BucketName = "main", Key = "r", ByteRange = new Amazon.S3.Model.ByteRange(10, 20) }));
    }

    [Fact]
    public async Task Writes_and_reads_under_conditions()
    {
        string first = (await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "c", ContentBody = "1", IfNoneMatch = "*" })).ETag;
        await FailsAsync(HttpStatusCode.PreconditionFailed, "PreconditionFailed",
            () => Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "c", ContentBody = "2", IfNoneMatch = "*" }));
        await Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "c", ContentBody = "2", IfMatch = first });
        await FailsAsync(HttpStatusCode.PreconditionFailed, "PreconditionFailed",
            () => Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "c", ContentBody = "3", IfMatch = first }));
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchKey",
            () => Client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "absent", ContentBody = "3", IfMatch = first }));
        await FailsAsync(HttpStatusCode.PreconditionFailed, "PreconditionFailed",
            () => Client.GetObjectAsync(new GetObjectRequest { BucketName = "main", Key = "c", EtagToMatch = first }));
    }

    [Fact]
    public async Task What_is_missing_says_so()
    {
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchKey", () => Client.GetObjectAsync("main", "nothing"));
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchBucket", () => Client.GetObjectAsync("nowhere", "nothing"));
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchBucket", () => Client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = "nowhere" }));
        await FailsAsync(HttpStatusCode.NotFound, "NotFound", () => Client.GetObjectMetadataAsync("main", "nothing"));
    }

    [Fact]
    public async Task Buckets_are_the_stores()
    {
        ListBucketsResponse buckets = await Client.ListBucketsAsync();
        Assert.Equal(["main", "other"], buckets.Buckets.Select(b => b.BucketName));
        await Client.GetBucketLocationAsync("main");
        await FailsAsync(HttpStatusCode.Conflict, "BucketAlreadyOwnedByYou", () => Client.PutBucketAsync("main"));
    }

    [Fact]
    public async Task A_presigned_address_is_accepted()
    {
        string url = await Client.GetPreSignedURLAsync(new GetPreSignedUrlRequest
        {
            BucketName = "main", Key = "signed by address", Verb = HttpVerb.PUT, Expires = TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(5), Protocol = Protocol.HTTP,
        });
        using HttpResponseMessage put = await Http.PutAsync(url, new ByteArrayContent("x"u8.ToArray()));
        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
    }

    private static async Task<AmazonS3Exception> FailsAsync(HttpStatusCode status, string code, Func<Task> call)
    {
        AmazonS3Exception error = await Assert.ThrowsAnyAsync<AmazonS3Exception>(call);
        Assert.Equal((status, code), (error.StatusCode, error.ErrorCode));
        return error;
    }
}
