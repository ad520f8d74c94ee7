using Amazon.S3;
using Amazon.S3.Model;

namespace Strata.S3;

/// <summary>Requests that write: what all of them carry.</summary>
/// <param name="options">Bucket, storage class, encryption.</param>
/// <param name="provider">How conditions are written.</param>
internal sealed class S3Requests(S3BlobStoreOptions options, S3Provider provider)
{
    /// <param name="name">The object's.</param>
    /// <param name="content">Seekable, at its beginning.</param>
    /// <param name="headers">What it is.</param>
    /// <param name="condition">What the server is to check.</param>
    /// <param name="isBlob">False for what the store keeps for itself: it stays in the bucket's own class, as some are dear for small objects and others cannot be read.</param>
    public PutObjectRequest Put(string name, Stream content, RemoteHeaders headers, RemotePrecondition condition, bool isBlob)
    {
        var request = new PutObjectRequest
        {
            BucketName = options.Bucket, Key = name, InputStream = content, AutoCloseStream = false, AutoResetStreamPosition = false, UseChunkEncoding = false,
            IfMatch = Quoted(condition.Match), IfNoneMatch = condition.IsAbsent ? "*" : null,
            StorageClass = isBlob ? StorageClass : null, ServerSideEncryptionMethod = Encryption, ServerSideEncryptionKeyManagementServiceKeyId = options.Encryption?.KeyId,
        };
        if (headers.ContentType is { } type) request.ContentType = type;
        if (headers.ContentEncoding is { } encoding) request.Headers.ContentEncoding = encoding;
        foreach ((string key, string value) in headers.Metadata) request.Metadata[key] = value;
        return request;
    }

    public InitiateMultipartUploadRequest Begin(string name, RemoteHeaders headers, bool isBlob)
    {
        var request = new InitiateMultipartUploadRequest
        {
            BucketName = options.Bucket, Key = name,
            StorageClass = isBlob ? StorageClass : null, ServerSideEncryptionMethod = Encryption, ServerSideEncryptionKeyManagementServiceKeyId = options.Encryption?.KeyId,
        };
        if (headers.ContentType is { } type) request.ContentType = type;
        if (headers.ContentEncoding is { } encoding) request.Headers.ContentEncoding = encoding;
        foreach ((string key, string value) in headers.Metadata) request.Metadata[key] = value;
        return request;
    }

    public CopyObjectRequest Copy(string source, string sourceETag, string target, RemoteHeaders headers, RemotePrecondition condition)
    {
        var request = new CopyObjectRequest
        {
            SourceBucket = options.Bucket, SourceKey = source, DestinationBucket = options.Bucket, DestinationKey = target,
            ETagToMatch = Quoted(sourceETag), MetadataDirective = S3MetadataDirective.REPLACE,
            IfMatch = Quoted(condition.Match), IfNoneMatch = condition.IsAbsent ? "*" : null,
            StorageClass = StorageClass, ServerSideEncryptionMethod = Encryption, ServerSideEncryptionKeyManagementServiceKeyId = options.Encryption?.KeyId,
        };
        if (headers.ContentType is { } type) request.ContentType = type;
        if (headers.ContentEncoding is { } encoding) request.Headers.ContentEncoding = encoding;
        foreach ((string key, string value) in headers.Metadata) request.Metadata[key] = value;
        return request;
    }

    public CompleteMultipartUploadRequest Complete(string name, string uploadId, IEnumerable<PartETag> parts, RemotePrecondition condition) => new()
    {
        BucketName = options.Bucket, Key = name, UploadId = uploadId, PartETags = [.. parts],
        IfMatch = Quoted(condition.Match), IfNoneMatch = condition.IsAbsent ? "*" : null,
    };

    /// <summary>An ETag as a condition carries it; null for none.</summary>
    public string? Quoted(string? etag) => etag is null ? null : provider.Quote(etag);

    private S3StorageClass? StorageClass => options.StorageClass is { } name ? S3StorageClass.FindValue(name) : null;

    private ServerSideEncryptionMethod? Encryption =>
        options.Encryption is not { } encryption ? null : encryption.UsesKms ? ServerSideEncryptionMethod.AWSKMS : ServerSideEncryptionMethod.AES256;
}
