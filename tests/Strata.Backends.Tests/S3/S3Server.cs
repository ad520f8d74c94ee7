using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Strata.S3;
using Xunit;
using SdkUpload = Amazon.S3.Model.MultipartUpload;

namespace Strata.Backends.Tests;

/// <summary>A real S3 server on loopback, for all tests of a collection; each test has a bucket of its own.</summary>
public abstract class S3Server : IAsyncLifetime, IRemoteServer
{
    private int _buckets;

    public Uri Endpoint { get; protected set; } = null!;

    public abstract string KeyId { get; }

    public abstract string Secret { get; }

    public abstract S3Provider Provider { get; }

    public AmazonS3Client Client { get; private set; } = null!;

    public BasicAWSCredentials Credentials => new(KeyId, Secret);

    public async ValueTask InitializeAsync()
    {
        await StartAsync();
        Client = S3Service.CreateClient(new S3BlobStoreOptions { Bucket = "none", Endpoint = Endpoint, Credentials = Credentials });
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        Client?.Dispose();
        await StopAsync();
    }

    public async Task<string> CreateBucketAsync()
    {
        string name = $"bucket-{Interlocked.Increment(ref _buckets)}";
        await Client.PutBucketAsync(name);
        return name;
    }

    /// <summary>Removes a bucket with all that is in it, uploads included.</summary>
    public async Task RemoveBucketAsync(string name)
    {
        foreach (SdkUpload upload in await UploadsAsync(name)) await Client.AbortMultipartUploadAsync(name, upload.Key, upload.UploadId);
        while ((await Client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = name, Encoding = EncodingType.Url })).S3Objects is { Count: > 0 } objects)
        {
            await Parallel.ForEachAsync(
                objects, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (one, token) => await Client.DeleteObjectAsync(name, Uri.UnescapeDataString(one.Key.Replace('+', ' ')), token));
        }

        await Client.DeleteBucketAsync(name);
    }

    public async Task<IReadOnlyList<SdkUpload>> UploadsAsync(string bucket) =>
        (await Client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = bucket })).MultipartUploads ?? [];

    public S3BlobStoreOptions OptionsFor(string bucket) => new()
    {
        Bucket = bucket, Endpoint = Endpoint, Credentials = Credentials, Provider = Provider, PartSize = 5 << 20, RetryDelay = TimeSpan.FromMilliseconds(10),
    };

    public Task<string> CreatePlaceAsync() => CreateBucketAsync();

    public Task RemovePlaceAsync(string place) => RemoveBucketAsync(place);

    public async ValueTask<IBlobStore> OpenAsync(string place, RemoteSettings settings) => await S3BlobStore.OpenAsync(
        OptionsFor(place) with
        {
            Endpoint = settings.Proxy ?? Endpoint, MaxAttempts = settings.MaxAttempts, ProgressTimeout = settings.ProgressTimeout, ServerWorkTimeout = settings.ServerWorkTimeout,
            RetryDelay = settings.RetryDelay, PartSize = settings.PartSize, Parallelism = settings.Parallelism,
        },
        settings.Context);

    public async Task<int> UnfinishedAsync(string place) => (await UploadsAsync(place)).Count;

    public bool IsPart(string line) => line.StartsWith("PUT", StringComparison.Ordinal) && line.Contains("partNumber", StringComparison.OrdinalIgnoreCase);

    public bool IsJoin(string line) => line.StartsWith("POST", StringComparison.Ordinal) && line.Contains("uploadId", StringComparison.OrdinalIgnoreCase);

    public string BusyCode => "SlowDown";

    public string ExpiredCode => "ExpiredToken";

    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string> { ["AWS_ACCESS_KEY_ID"] = KeyId, ["AWS_SECRET_ACCESS_KEY"] = Secret, ["AWS_REGION"] = "us-east-1" };

    public string UrlOf(string place) => $"s3://{place}?endpoint={Endpoint.GetLeftPart(UriPartial.Authority)}&provider={Provider.Name}";

    public TcpFault Refusing(string status, string code, string headers = "")
    {
        string body = $"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>So it is.</Message></Error>";
        return new TcpFault { Answer = $"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {body.Length}\r\nConnection: close\r\n{headers}\r\n{body}" };
    }

    protected abstract Task StartAsync();

    protected abstract Task StopAsync();
}
