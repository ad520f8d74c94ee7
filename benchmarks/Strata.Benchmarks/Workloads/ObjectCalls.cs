using System.Buffers;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Amazon.S3.Transfer;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;

namespace Strata.Benchmarks;

/// <summary>What is asked of an object store, by Strata or by its bare SDK: the same work either way.</summary>
internal abstract class ObjectCalls : IAsyncDisposable
{
    /// <summary>Bytes of a part, and how many parts are under way at once, on both sides.</summary>
    protected const int PartLength = 8 << 20;

    protected const int Parallelism = 4;

    public abstract Task PutAsync(string key, byte[] bytes);

    /// <summary>Reads an object to its end.</summary>
    /// <returns>How many bytes it had.</returns>
    public abstract Task<long> GetAsync(string key);

    /// <summary>Sends a large object, in parts.</summary>
    public abstract Task PutLargeAsync(string key, byte[] bytes);

    /// <summary>Lists what begins with a text, page by page: keys, lengths, times.</summary>
    /// <returns>How many there are.</returns>
    public abstract Task<int> ListAsync(string prefix);

    public abstract ValueTask DisposeAsync();

    protected static async Task<long> CountAsync(Stream stream)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(128 << 10);
        try
        {
            long length = 0;
            while (await stream.ReadAsync(buffer) is > 0 and int read) length += read;
            return length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

/// <summary>Through the contract of Strata.</summary>
/// <param name="store">The store.</param>
/// <param name="page">Blobs of a page of a listing: as many as the SDK asks for.</param>
internal sealed class StoreCalls(IBlobStore store, int page) : ObjectCalls
{
    public override async Task PutAsync(string key, byte[] bytes) => await store.PutBytesAsync(BlobKey.Parse(key), bytes);

    public override async Task<long> GetAsync(string key)
    {
        await using BlobReadResult read = await store.ReadAsync(BlobKey.Parse(key)) ?? throw new InvalidOperationException($"'{key}' is not there.");
        if (read.TryGetSequence(out ReadOnlySequence<byte> bytes)) return bytes.Length;
        await using Stream stream = read.OpenStream();
        return await CountAsync(stream);
    }

    public override Task PutLargeAsync(string key, byte[] bytes) => PutAsync(key, bytes);

    public override async Task<int> ListAsync(string prefix)
    {
        int count = 0;
        var request = new ListRequest { Prefix = prefix, Exact = false, Limit = page };
        while (true)
        {
            ListPage listed = await store.ListPageAsync(request);
            count += listed.Items.Count;
            if (listed.Token is null) return count;
            request = request with { Token = listed.Token };
        }
    }

    public override ValueTask DisposeAsync() => store.DisposeAsync();
}

/// <summary>By AWSSDK.S3 alone, as its own documentation has it.</summary>
internal sealed class S3SdkCalls(Uri endpoint, string bucket, AWSCredentials credentials) : ObjectCalls
{
    private readonly AmazonS3Client _client = ClientOf(endpoint, credentials);

    public static AmazonS3Client ClientOf(Uri endpoint, AWSCredentials credentials) => new(credentials, new AmazonS3Config
    {
        ServiceURL = endpoint.ToString(),
        ForcePathStyle = true,
        AuthenticationRegion = "us-east-1",
        RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
        ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
    });

    public override async Task PutAsync(string key, byte[] bytes) =>
        await _client.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = key, InputStream = new MemoryStream(bytes, writable: false) });

    public override async Task<long> GetAsync(string key)
    {
        using GetObjectResponse answer = await _client.GetObjectAsync(bucket, key);
        return await CountAsync(answer.ResponseStream);
    }

    public override async Task PutLargeAsync(string key, byte[] bytes)
    {
        using var transfer = new TransferUtility(_client, new TransferUtilityConfig { ConcurrentServiceRequests = Parallelism });
        await transfer.UploadAsync(new TransferUtilityUploadRequest { BucketName = bucket, Key = key, InputStream = new MemoryStream(bytes, writable: false), PartSize = PartLength });
    }

    public override async Task<int> ListAsync(string prefix)
    {
        int count = 0;
        var request = new ListObjectsV2Request { BucketName = bucket, Prefix = prefix, Encoding = EncodingType.Url };
        while (true)
        {
            ListObjectsV2Response page = await _client.ListObjectsV2Async(request);
            count += page.S3Objects?.Count ?? 0;
            if (page.IsTruncated != true) return count;
            request.ContinuationToken = page.NextContinuationToken;
        }
    }

    public override ValueTask DisposeAsync()
    {
        _client.Dispose();
        return default;
    }
}

/// <summary>By Azure.Storage.Blobs alone.</summary>
internal sealed class AzureSdkCalls(Uri endpoint, string container) : ObjectCalls
{
    private readonly BlobContainerClient _client = ClientOf(endpoint, container);

    public static BlobContainerClient ClientOf(Uri endpoint, string container) =>
        new BlobServiceClient(endpoint, new StorageSharedKeyCredential(ObjectServer.AzuriteAccount, ObjectServer.AzuriteKey)).GetBlobContainerClient(container);

    public override Task PutAsync(string key, byte[] bytes) => UploadAsync(key, bytes);

    public override async Task<long> GetAsync(string key)
    {
        using BlobDownloadStreamingResult answer = await _client.GetBlobClient(key).DownloadStreamingAsync();
        return await CountAsync(answer.Content);
    }

    public override Task PutLargeAsync(string key, byte[] bytes) => UploadAsync(key, bytes);

    public override async Task<int> ListAsync(string prefix)
    {
        int count = 0;
        await foreach (BlobItem _ in _client.GetBlobsAsync(BlobTraits.None, BlobStates.None, prefix, default)) count++;
        return count;
    }

    public override ValueTask DisposeAsync() => default;

    private async Task UploadAsync(string key, byte[] bytes) => await _client.GetBlobClient(key).UploadAsync(
        BinaryData.FromBytes(bytes),
        new BlobUploadOptions { TransferOptions = new StorageTransferOptions { MaximumConcurrency = Parallelism, InitialTransferSize = PartLength, MaximumTransferSize = PartLength } });
}
