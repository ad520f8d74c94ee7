using Amazon.S3;
using Amazon.S3.Model;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Uploads in parts, as the AWS SDK makes them, to a store of which each blob has one home.</summary>
public sealed class UploadsToHomesTests : IAsyncDisposable
{
    private static readonly byte[] First = [.. Enumerable.Repeat((byte)'a', 5 << 20)], Second = [.. Enumerable.Repeat((byte)'b', 1000)];
    private readonly string _archive = Directory.CreateTempSubdirectory("strata-homes-").FullName;
    private RunningServer? _running;

    private IBlobStore Store => _running!.Store;

    private (string, string)[] Settings =>
    [
        ("Strata:Stores:main:Tiering:Containment", "Exclusive"), ("Strata:Stores:main:Tiers:1:MaxBlobBytes", "1MiB"),
        ("Strata:Stores:main:Tiers:2:Name", "archive"), ("Strata:Stores:main:Tiers:2:Url", $"file:{_archive}"),
    ];

    [Fact]
    public async Task Uploads_go_where_their_length_belongs_over_a_restart()
    {
        _running = await RunningServer.StartAsync(null, null, Settings);
        using (AmazonS3Client client = _running.CreateClient())
        {
            string small = (await client.InitiateMultipartUploadAsync("main", "small")).UploadId;
            await CompleteAsync(client, "small", small, await PartAsync(client, "small", small, 1, Second));
            Assert.Equal("cold", await HomeAsync("small"));
        }

        string id;
        PartETag first;
        using (AmazonS3Client client = _running.CreateClient())
        {
            await client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "large", ContentBody = "before" });
            id = (await client.InitiateMultipartUploadAsync("main", "large")).UploadId;
            first = await PartAsync(client, "large", id, 1, First);
        }

        _running = await _running.RestartAsync(null, Settings);
        using (AmazonS3Client client = _running.CreateClient())
        {
            Assert.Equal([id], (await client.ListMultipartUploadsAsync("main")).MultipartUploads.Select(upload => upload.UploadId));
            await CompleteAsync(client, "large", id, first, await PartAsync(client, "large", id, 2, Second));
            byte[] whole = [.. First, .. Second];
            Assert.Equal(whole, await Store.GetBytesAsync(BlobKey.Parse("large")));
            Assert.Equal("archive", await HomeAsync("large"));
            Assert.Empty((await client.ListMultipartUploadsAsync("main")).MultipartUploads ?? []);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_running is not null) await _running.DisposeAsync();
        Directory.Delete(_archive, recursive: true);
    }

    private async Task<string> HomeAsync(string key) => (await ((ITierInspection)Store).LocateAsync(BlobKey.Parse(key)))[^1];

    private static async Task<PartETag> PartAsync(AmazonS3Client client, string key, string id, int number, byte[] bytes)
    {
        using var stream = new MemoryStream(bytes);
        return new PartETag(number, (await client.UploadPartAsync(new UploadPartRequest { BucketName = "main", Key = key, UploadId = id, PartNumber = number, InputStream = stream })).ETag);
    }

    private static Task CompleteAsync(AmazonS3Client client, string key, string id, params PartETag[] parts) =>
        client.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest { BucketName = "main", Key = key, UploadId = id, PartETags = [.. parts] });
}
