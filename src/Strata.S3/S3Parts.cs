using Amazon.S3;
using Amazon.S3.Model;

namespace Strata.S3;

/// <summary>A multipart upload.</summary>
internal sealed class S3Parts(IAmazonS3 client, S3Requests requests, string bucket, string name, string id) : IRemoteParts
{
    public string Id => id;

    /// <summary>No other write harms an upload.</summary>
    public StorageException? Overtaken => null;

    public async Task<string> SendAsync(int number, Stream content, int length, RemoteAttempt attempt)
    {
        var request = new UploadPartRequest { BucketName = bucket, Key = name, UploadId = id, PartNumber = number, InputStream = content, PartSize = length, UseChunkEncoding = false };
        return (await client.UploadPartAsync(request, attempt.Token).ConfigureAwait(false)).ETag;
    }

    public async Task<string> CopyAsync(int number, RemoteSource source, long first, long last, RemoteAttempt attempt)
    {
        var request = new CopyPartRequest
        {
            SourceBucket = bucket, SourceKey = source.Address, DestinationBucket = bucket, DestinationKey = name, UploadId = id,
            PartNumber = number, FirstByte = first, LastByte = last, ETagToMatch = [requests.Quoted(source.Blob.NativeETag)],
        };
        return (await client.CopyPartAsync(request, attempt.Token).ConfigureAwait(false)).ETag;
    }

    public Task JoinAsync(IReadOnlyList<KeyValuePair<int, string>> receipts, RemoteHeaders headers, RemotePrecondition condition, RemoteAttempt attempt) =>
        client.CompleteMultipartUploadAsync(requests.Complete(name, id, receipts.Select(r => new PartETag(r.Key, r.Value)), condition), attempt.Token);

    public Task AbortAsync(RemoteAttempt attempt) => client.AbortMultipartUploadAsync(new AbortMultipartUploadRequest { BucketName = bucket, Key = name, UploadId = id }, attempt.Token);
}
