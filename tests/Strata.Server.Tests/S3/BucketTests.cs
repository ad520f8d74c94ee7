using System.IO.Pipelines;
using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Buckets that clients create and delete, as the embedded default allows.</summary>
public sealed class BucketTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("strata-buckets-").FullName;
    private StoreCatalog _catalog = null!;
    private StrataServer _server = null!;
    private HttpClient _http = null!;

    private AmazonS3Client Client => new(
        new Amazon.Runtime.BasicAWSCredentials("any", "thing"),
        new AmazonS3Config { ServiceURL = _server.Address.ToString(), ForcePathStyle = true, AuthenticationRegion = "us-east-1" });

    public async ValueTask InitializeAsync()
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Strata:Buckets:Max"] = "2" }).Build();
        _catalog = await StoreCatalog.OpenAsync(StrataSettings.Read(configuration, _folder));
        _server = await StrataServer.StartAsync(_catalog, new StrataServerOptions { Listen = "127.0.0.1:0" });
        _http = new HttpClient { BaseAddress = _server.Address };
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_bucket_is_created_used_emptied_and_deleted()
    {
        DateTimeOffset before = TimeProvider.System.GetUtcNow().AddSeconds(-1);
        await Client.PutBucketAsync(new PutBucketRequest { BucketName = "photos", BucketRegionName = "eu-central-1" });
        Assert.Equal(["main", "photos"], (await Client.ListBucketsAsync()).Buckets.Select(b => b.BucketName));
        Assert.InRange((await Client.ListBucketsAsync()).Buckets[1].CreationDate!.Value.ToUniversalTime(), before.UtcDateTime, before.UtcDateTime.AddMinutes(5));
        await FailsAsync(HttpStatusCode.Conflict, "BucketAlreadyOwnedByYou", () => Client.PutBucketAsync("photos"));
        await Client.PutObjectAsync(new PutObjectRequest { BucketName = "photos", Key = "k", ContentBody = "x" });
        string figures = await _http.GetStringAsync("_strata/v1/stores");
        Assert.Contains("\"photos\"", figures);

        await StopAsync();
        await InitializeAsync();
        Assert.Equal("x", await _http.GetStringAsync("photos/k"));
        await FailsAsync(HttpStatusCode.Conflict, "BucketNotEmpty", () => Client.DeleteBucketAsync("photos"));
        await Client.DeleteObjectAsync("photos", "k");
        InitiateMultipartUploadResponse upload = await Client.InitiateMultipartUploadAsync("photos", "k");
        await FailsAsync(HttpStatusCode.Conflict, "BucketNotEmpty", () => Client.DeleteBucketAsync("photos"));
        await Client.AbortMultipartUploadAsync("photos", "k", upload.UploadId);
        Assert.Equal(HttpStatusCode.NoContent, (await Client.DeleteBucketAsync("photos")).HttpStatusCode);
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchBucket", () => Client.DeleteBucketAsync("photos"));
        await FailsAsync(HttpStatusCode.NotFound, "NoSuchBucket", () => Client.PutObjectAsync(new PutObjectRequest { BucketName = "photos", Key = "k", ContentBody = "x" }));
        Assert.DoesNotContain("\"photos\"", await _http.GetStringAsync("_strata/v1/stores"));
    }

    [Fact]
    public async Task What_cannot_be_a_bucket_is_refused()
    {
        await AnswersAsync("PUT", "Photos", "", "InvalidBucketName");
        await AnswersAsync("PUT", "_strata2", "", "InvalidBucketName");
        await AnswersAsync("PUT", "192.168.0.1", "", "InvalidBucketName");
        await AnswersAsync("PUT", "photos", "<Other/>", "MalformedXML");
        await AnswersAsync("PUT", "photos", "<!DOCTYPE c [<!ENTITY e 'k'>]><CreateBucketConfiguration>&e;</CreateBucketConfiguration>", "MalformedXML");
        await AnswersAsync("DELETE", "main", "", "NotImplemented");
        Assert.StartsWith("HTTP/1.1 501", await RawConnection.SendAsync(_server.Address, "PUT /photos", "Content-Length: 0\r\nx-amz-acl: public-read\r\n"));
        Assert.StartsWith("HTTP/1.1 501", await RawConnection.SendAsync(_server.Address, "PUT /photos", "Content-Length: 0\r\nx-amz-bucket-object-lock-enabled: true\r\n"));
        Assert.Equal(["main"], _catalog.Stores.Keys);
        await Client.PutBucketAsync("one");
        await Client.PutBucketAsync("two");
        await FailsAsync(HttpStatusCode.BadRequest, "TooManyBuckets", () => Client.PutBucketAsync("three"));
    }

    [Fact]
    public async Task What_comes_while_a_bucket_is_deleted_comes_again()
    {
        await Client.PutBucketAsync("photos");
        var content = new Pipe(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        Task<WriteResult> writing = _catalog.Stores["photos"].WriteAsync(BlobKey.Parse("slow"), BlobContent.FromStream(content.Reader.AsStream())).AsTask();
        await content.Writer.WriteAsync(new byte[10]);
        Task<DeleteBucketResponse> deleting = Client.DeleteBucketAsync("photos");
        await Eventually.HoldsAsync(async () =>
        {
            using HttpResponseMessage list = await _http.GetAsync("photos");
            return list.StatusCode == HttpStatusCode.Conflict && (await list.Content.ReadAsStringAsync()).Contains("<Code>OperationAborted</Code>", StringComparison.Ordinal);
        });
        await AnswersAsync("PUT", "photos/k", "x", "OperationAborted");
        await content.Writer.CompleteAsync();
        await Assert.ThrowsAsync<StorageException>(() => writing);
        Assert.Equal(HttpStatusCode.NoContent, (await deleting).HttpStatusCode);
    }

    private async Task AnswersAsync(string method, string path, string body, string code)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = method == "PUT" ? new StringContent(body) : null };
        using HttpResponseMessage answer = await _http.SendAsync(request);
        Assert.Contains($"<Code>{code}</Code>", await answer.Content.ReadAsStringAsync());
    }

    private static async Task FailsAsync(HttpStatusCode status, string code, Func<Task> call)
    {
        AmazonS3Exception error = await Assert.ThrowsAnyAsync<AmazonS3Exception>(call);
        Assert.Equal((status, code), (error.StatusCode, error.ErrorCode));
    }

    private async Task StopAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
        await _catalog.DisposeAsync();
    }
}
