using System.Buffers;
using System.Globalization;
using System.Text;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.Extensions.Logging;
using SdkUpload = Amazon.S3.Model.MultipartUpload;
using WrapperStream = Amazon.Runtime.Internal.Util.WrapperStream;

namespace Strata.S3;

/// <summary>One bucket: requests by the SDK, and what their answers mean.</summary>
/// <param name="options">Bucket, prefix, storage class, encryption.</param>
/// <param name="provider">What the server honours.</param>
/// <param name="client">Closed with this.</param>
/// <param name="calls">Sends the requests.</param>
/// <param name="log">For what is no error.</param>
internal sealed partial class S3Service(S3BlobStoreOptions options, S3Provider provider, IAmazonS3 client, RemoteCalls calls, ILogger log) : IRemoteService
{
    /// <summary>The longest object: 5 TiB.</summary>
    private const long MaxObjectBytes = 5L << 40;

    /// <summary>S3 takes 2 KiB of user metadata, names and values; a little is left for servers that count otherwise.</summary>
    private const int MaxMetadataBytes = 1_900;

    private const string MetadataPrefix = "x-amz-meta-";
    private static readonly SearchValues<char> MetadataNameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    public RemoteTraits Traits { get; } = new()
    {
        Record = new RemoteRecord(MaxMetadataBytes, (name, _) => name.Length <= 128 && !name.AsSpan().ContainsAnyExcept(MetadataNameCharacters) && name[0] != '-' && name[^1] != '-'),
        RecordPlace = MetadataPrefix + RemoteRecord.Header,
        ContainerWord = "bucket",
        PartWord = "part",
        MaxBlobBytes = MaxObjectBytes,
        MaxSingleBytes = S3BlobStoreOptions.MaxSingleBytes,
        MaxParts = 10_000,
        MinPartBytes = 5 << 20,
        MaxPartBytes = 5L << 30,
        CopiedAtOnce = 512L << 20,
        UniformParts = provider.UniformParts,
        ConditionalPut = provider.Honours(S3Abilities.ConditionalPut),
        ConditionalJoin = provider.Honours(S3Abilities.ConditionalComplete),
        ConditionalDelete = provider.Honours(S3Abilities.ConditionalDelete),
        ConditionalCopy = provider.Honours(S3Abilities.ConditionalCopy),
        CopySourceMatch = provider.Honours(S3Abilities.CopySourceMatch),
        DescribesAtBegin = true,
        SuffixRanges = true,
        MostInOneDelete = 1000,
    };

    public RemoteCalls Calls => calls;

    public string Root => options.Prefix;

    public IAmazonS3 Client => client;

    public S3Requests Requests { get; } = new(options, provider);

    public static AmazonS3Client CreateClient(S3BlobStoreOptions options)
    {
        var config = new AmazonS3Config
        {
            MaxErrorRetry = 0,
            MaxStaleConnectionRetries = 0,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            ForcePathStyle = options.PathStyle ?? (options.Endpoint is not null),
            Timeout = Timeout.InfiniteTimeSpan,
            HttpClientFactory = new S3HttpClients(),
        };
        if (options.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.ToString();
            config.AuthenticationRegion = options.Region ?? "us-east-1";
        }
        else if (options.Region is { } region)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        return options.Credentials is { } credentials ? new AmazonS3Client(credentials, config) : new AmazonS3Client(config);
    }

    public string NameOf(BlobKey key, string operation)
    {
        if (options.Prefix.Length == 0) return key.Value;
        string name = options.Prefix + key.Value;
        if (Encoding.UTF8.GetByteCount(name) > S3BlobStoreOptions.MaxKeyBytes)
            throw StorageException.Unsupported(operation, key, options.Name, $"keys that have more than {S3BlobStoreOptions.MaxKeyBytes} bytes with its prefix");
        return name;
    }

    public RemoteAnswer? AnswerOf(Exception error) => error is not AmazonServiceException e ? null
        : S3Errors.IsRefused(e) ? RemoteAnswer.Refused
        : S3Errors.IsMissing(e) ? RemoteAnswer.Missing : null;

    public bool IsOutOfRange(Exception error) => error is AmazonServiceException e && (int)e.StatusCode == 416;

    public async Task<RemoteObject> HeadAsync(BlobKey key, string name, RemoteAttempt attempt)
    {
        GetObjectMetadataResponse head = await client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = options.Bucket, Key = name }, attempt.Token).ConfigureAwait(false);
        return ObjectOf(key, head.ContentLength, head.ETag, head.LastModified, head.Headers, head.Metadata);
    }

    /// <summary>The answer to a HEAD has no body, and so does not tell. Who may not list has to believe it.</summary>
    public async ValueTask SeeContainerAsync(BlobKey key, string operation, CancellationToken cancellationToken)
    {
        try
        {
            await calls.ReadAsync(
                operation, key, attempt => client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = options.Bucket, MaxKeys = 1 }, attempt.Token), cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.AccessDenied)
        {
            log.LogDebug(e, "The bucket '{Bucket}' of store '{Store}' may not be listed.", options.Bucket, options.Name);
        }
    }

    /// <remarks>The SDK's own check of a body takes the ETag for its digest, costs as much as the transfer, and says of damage that the client is at fault, once when it is read and once more when it is let go.</remarks>
    public async Task<RemoteResponse> GetAsync(BlobKey key, string name, BlobRange? range, RemoteBlob? pinned, RemoteAttempt attempt)
    {
        var request = new GetObjectRequest { BucketName = options.Bucket, Key = name, EtagToMatch = Requests.Quoted(pinned?.NativeETag) };
        if (range is { } part) request.ByteRange = ByteRangeOf(part);
        GetObjectResponse response = await client.GetObjectAsync(request, attempt.Token).ConfigureAwait(false);
        (long offset, long total) = RemoteResponse.Extent(response.ContentRange, response.ContentLength);
        RemoteObject found = ObjectOf(key, total, response.ETag, response.LastModified, response.Headers, response.Metadata);
        return new RemoteResponse(found, offset, response.ContentLength, WrapperStream.GetNonWrapperBaseStream(response.ResponseStream), response.ResponseStream, response);
    }

    public Task PutAsync(string name, Stream content, RemoteHeaders headers, RemotePrecondition condition, bool isBlob, RemoteAttempt attempt) =>
        client.PutObjectAsync(Requests.Put(name, content, headers, condition, isBlob), attempt.Token);

    public Task RemoveAsync(string name, string? etag, RemoteAttempt attempt) =>
        client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = options.Bucket, Key = name, IfMatch = Requests.Quoted(etag) }, attempt.Token);

    public async Task<IReadOnlyList<RemoteRefusal>> RemoveManyAsync(IReadOnlyCollection<string> names, RemoteAttempt attempt)
    {
        try
        {
            var request = new DeleteObjectsRequest { BucketName = options.Bucket, Objects = [.. names.Select(name => new KeyVersion { Key = name })], Quiet = true };
            await client.DeleteObjectsAsync(request, attempt.Token).ConfigureAwait(false);
            return [];
        }
        catch (DeleteObjectsException e)
        {
            return [.. (e.Response.DeleteErrors ?? []).Select(d => new RemoteRefusal(d.Key, $"{d.Message} ({d.Code})", IsDenied: d.Code is "AccessDenied"))];
        }
    }

    public ValueTask<RemoteSource> SourceAsync(RemoteBlob blob, string operation, CancellationToken cancellationToken) => new(new RemoteSource(blob, NameOf(blob.Info.Key, operation)));

    /// <summary>Where the condition on the source is ignored, the digest tells what was copied, if both have one.</summary>
    public async Task<bool> CopyAsync(RemoteSource source, string target, RemoteHeaders headers, RemotePrecondition condition, RemoteAttempt attempt)
    {
        string etag = source.Blob.NativeETag;
        string made = Unquoted((await client.CopyObjectAsync(Requests.Copy(source.Address, etag, target, headers, condition), attempt.Token).ConfigureAwait(false)).ETag);
        return Traits.CopySourceMatch || made.Length == 0 || made.Contains('-', StringComparison.Ordinal) || etag.Contains('-', StringComparison.Ordinal) || made == etag;
    }

    public Task RestateAsync(string name, RemoteHeaders headers, RemotePrecondition condition, RemoteAttempt attempt) => throw new NotSupportedException("S3 writes no headers without a copy.");

    /// <summary>A copy has them.</summary>
    public Task ShowTypesAsync(BlobKey key, string name, RemoteHeaders headers, string writeId, RemoteAttempt attempt) => Task.CompletedTask;

    public async ValueTask<IRemoteParts> BeginAsync(BlobKey key, RemoteHeaders headers, string writeId, bool isBlob, CancellationToken cancellationToken)
    {
        string name = NameOf(key, "write");
        string id = await calls.ReadAsync(
            "write", key, async attempt => (await client.InitiateMultipartUploadAsync(Requests.Begin(name, headers, isBlob), attempt.Token).ConfigureAwait(false)).UploadId, cancellationToken).ConfigureAwait(false);
        return new S3Parts(client, Requests, options.Bucket, name, id);
    }

    public async ValueTask<int> EndUploadsAsync(DateTimeOffset before, Func<string, bool> isOurs, CancellationToken cancellationToken)
    {
        int ended = 0;
        var request = new ListMultipartUploadsRequest { BucketName = options.Bucket, Prefix = options.Prefix };
        ListMultipartUploadsResponse page;
        do
        {
            page = await calls.ReadAsync("sweep", null, attempt => client.ListMultipartUploadsAsync(request, attempt.Token), cancellationToken).ConfigureAwait(false);
            foreach (SdkUpload upload in page.MultipartUploads ?? [])
            {
                if (upload.Initiated is not { } begun || begun.ToUniversalTime() >= before.UtcDateTime || isOurs(upload.UploadId)) continue;
                await calls.ReadAsync(
                    "sweep", null, attempt => this.AnsweredAsync(() => client.AbortMultipartUploadAsync(options.Bucket, upload.Key, upload.UploadId, attempt.Token)), cancellationToken).ConfigureAwait(false);
                ended++;
            }

            (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
        }
        while (page.IsTruncated == true);
        return ended;
    }

    public void Dispose() => client.Dispose();

    private static RemoteObject ObjectOf(BlobKey key, long length, string? etag, DateTime? lastModified, HeadersCollection headers, MetadataCollection metadata)
    {
        DateTimeOffset modified = TimeOf(lastModified);
        string native = Unquoted(etag);
        var bare = new BlobInfo
        {
            Key = key,
            Length = length,
            ETag = native,
            Created = modified,
            Modified = modified,
            ContentType = headers.ContentType is { Length: > 0 } type && type != "binary/octet-stream" ? type : null,
            ContentEncoding = headers.ContentEncoding is { Length: > 0 } encoding ? encoding : null,
        };
        return new RemoteObject(bare, native, metadata.Keys.Select(name => KeyValuePair.Create(MetadataName(name), metadata[name])));
    }

    /// <summary>The SDK tells names with their prefix, and as the server writes them.</summary>
    private static string MetadataName(string header) =>
        (header.StartsWith(MetadataPrefix, StringComparison.OrdinalIgnoreCase) ? header[MetadataPrefix.Length..] : header).ToLowerInvariant();

    private static string Unquoted(string? etag) => etag is ['"', .., '"'] ? etag[1..^1] : etag ?? "";

    private static DateTimeOffset TimeOf(DateTime? time) => time is { } known ? new DateTimeOffset(known.ToUniversalTime(), TimeSpan.Zero) : DateTimeOffset.UnixEpoch;

    private static ByteRange ByteRangeOf(BlobRange range)
    {
        // Servers read what is beyond the longest object in ways of their own.
        if (range.Offset < 0) return new ByteRange(string.Create(CultureInfo.InvariantCulture, $"bytes=-{Math.Min(-range.Offset, MaxObjectBytes)}"));
        long first = Math.Min(range.Offset, MaxObjectBytes);
        return range.Length is { } length && length < MaxObjectBytes
            ? new ByteRange(first, first + length - 1)
            : new ByteRange(string.Create(CultureInfo.InvariantCulture, $"bytes={first}-"));
    }
}
