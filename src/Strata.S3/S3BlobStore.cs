using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Microsoft.Extensions.Logging;

namespace Strata.S3;

/// <summary>
/// Blobs as objects of an S3 bucket: the bytes as they are, under their own keys, so that every other tool reads them.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the server's answer to PutObject, CompleteMultipartUpload or CopyObject. What S3 has no place
/// for (version, ETag, expiry, checksum, creation time) is in the object's own metadata, and so as atomic as the object; what
/// is known only at the end of a long write, or is too long for headers, is in an object under <c>.strata/</c> that the
/// object names. Keys under <c>.strata/</c> are therefore refused and not listed.</para>
/// <para><b>Conditions</b> are claimed where the <see cref="S3Provider"/> honours them, or where this store is the only
/// writer. The server compares its own ETags, which are digests of the content: a condition is atomic against every change
/// of content, but not against a change of metadata alone, or the writing of the very same content, that another process
/// makes within the moment between look and write. <c>IfOlder</c> is therefore claimed only by a single writer that keeps
/// tombstones: the very same content of a newer version would pass the server's comparison.</para>
/// <para><b>Unknown outcomes:</b> each write carries an id, by which it is known again after a lost reply. A
/// <see cref="StorageException"/> whose outcome is unknown is one that could not be cleared up.</para>
/// <para><b>Objects that others wrote</b> have S3's ETag, no version, and their last modification as both times.</para>
/// </remarks>
public sealed partial class S3BlobStore : IBlobStore, IPresignedUrls, IBlobSweep, IStoreHealth
{
    /// <summary>What the store keeps for itself is under this prefix.</summary>
    internal const string Reserved = RemoteUploads.Reserved;

    private const int MostLooks = 50;
    private readonly S3BlobStoreOptions _options;
    private readonly S3Provider _provider;
    private readonly StoreContext _context;
    private readonly IAmazonS3 _client;
    private readonly RemoteCalls _calls;
    private readonly ILogger _log;
    private readonly OperationGate _gate;
    private readonly KeyLocks _locks = new();
    private readonly VersionClock _versions;
    private readonly ConcurrentDictionary<S3Upload, bool> _sending = new();
    private readonly RemoteUploads _uploads;

    private S3BlobStore(S3BlobStoreOptions options, S3Provider provider, IAmazonS3 client, StoreContext context)
    {
        (_options, _provider, _client, _context) = (options, provider, client, context);
        _calls = CallsOf(options);
        _log = context.Loggers.CreateLogger<S3BlobStore>();
        _gate = new OperationGate(options.Name);
        _versions = new VersionClock(context.Clock);
        _uploads = new RemoteUploads(this, context.Clock, options.UploadExpiry, _log);
        bool hasConditions = options.SingleWriter || provider.Honours(S3Abilities.ConditionalPut);
        Capabilities = new StoreCapabilities
        {
            Store = options.Name,
            Conditions = (hasConditions ? WriteConditionKind.IfAbsent | WriteConditionKind.IfMatch : WriteConditionKind.None)
                | (options is { SingleWriter: true, KeepsTombstones: not null } ? WriteConditionKind.IfOlder : WriteConditionKind.None),
            IsSingleWriter = options.SingleWriter,
            MultipartUploads = true,
            MaxBlobLength = S3Upload.MaxObjectBytes,
        };
    }

    /// <inheritdoc/>
    public StoreCapabilities Capabilities { get; }

    /// <inheritdoc/>
    public string? Fault => _calls.Fault;

    /// <summary>Which S3 this is, as set, told by the endpoint or found by trying.</summary>
    public S3Provider Provider => _provider;

    internal IAmazonS3 Client => _client;

    internal RemoteCalls Calls => _calls;

    internal S3BlobStoreOptions Options => _options;

    private DateTimeOffset Now => _context.Clock.GetUtcNow();

    /// <summary>Opens a store. The bucket is not looked at, unless the provider must be found by trying.</summary>
    /// <exception cref="ArgumentException">The options are wrong.</exception>
    /// <exception cref="StorageException">The provider could not be found out.</exception>
    public static async ValueTask<S3BlobStore> OpenAsync(S3BlobStoreOptions options, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        AmazonS3Client client = CreateClient(options);
        try
        {
            S3Provider provider = options.Provider ?? S3Provider.Of(options.Endpoint)
                ?? await S3Probe.RunAsync(client, CallsOf(options), options, cancellationToken).ConfigureAwait(false);
            return new S3BlobStore(options, provider, client, context ?? StoreContext.Default);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class
    {
        bool has = typeof(T) == typeof(IPresignedUrls) || typeof(T) == typeof(IBlobSweep) || typeof(T) == typeof(IStoreHealth);
        facet = typeof(T) == typeof(IMultipartUploads) ? (T)(object)_uploads : has ? (T)(object)this : null;
        return facet is not null;
    }

    /// <summary>Waits for what is under way, and aborts uploads that were not committed.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!await _gate.CloseAsync().ConfigureAwait(false)) return;
        foreach (S3Upload upload in _sending.Keys) await upload.DisposeAsync().ConfigureAwait(false);
        _client.Dispose();
    }

    /// <inheritdoc/>
    public async ValueTask<Uri> ForReadAsync(BlobKey key, TimeSpan lifetime, CancellationToken cancellationToken = default) =>
        await PresignAsync(key, lifetime, HttpVerb.GET, null).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask<Uri> ForWriteAsync(BlobKey key, TimeSpan lifetime, string? contentType = null, CancellationToken cancellationToken = default) =>
        await PresignAsync(key, lifetime, HttpVerb.PUT, contentType).ConfigureAwait(false);

    internal static AmazonS3Client CreateClient(S3BlobStoreOptions options)
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

    private static RemoteCalls CallsOf(S3BlobStoreOptions options) => new(new RemoteLimits(options.Name, options.MaxAttempts, options.RetryDelay, options.ProgressTimeout), S3Errors.Classify);

    private async ValueTask<Uri> PresignAsync(BlobKey key, TimeSpan lifetime, HttpVerb verb, string? contentType)
    {
        using OperationGate.Pass pass = _gate.Enter("presign");
        CheckKey(key, "presign");
        string name = NameOf(key, "presign");
        if (lifetime <= TimeSpan.Zero || lifetime > TimeSpan.FromDays(7)) throw new ArgumentException($"The lifetime must be more than 0 and at most 7 days; it is {lifetime}.", nameof(lifetime));
        var request = new Amazon.S3.Model.GetPreSignedUrlRequest
        {
            BucketName = _options.Bucket,
            Key = name,
            Verb = verb,

            // The signature's time is the machine's: the server compares it with its own.
            Expires = TimeProvider.System.GetUtcNow().UtcDateTime + lifetime,
            Protocol = _options.Endpoint?.Scheme == "http" ? Protocol.HTTP : Protocol.HTTPS,
        };
        if (contentType is not null) request.ContentType = contentType;
        try
        {
            return new Uri(await _client.GetPreSignedURLAsync(request).ConfigureAwait(false));
        }
        catch (AmazonClientException e)
        {
            throw _calls.ToException(S3Errors.Classify(e), e, "presign", key, isUnknown: false);
        }
    }

    /// <summary>Refuses what no caller may name.</summary>
    /// <exception cref="ArgumentException">The key is default.</exception>
    /// <exception cref="StorageException">Of kind Unsupported: S3 cannot hold it under this prefix, or it is the store's own.</exception>
    internal void CheckKey(BlobKey key, string operation)
    {
        StoreCapabilities.CheckKey(key);
        if (IsOwn(key)) throw StorageException.Unsupported(operation, key, _options.Name, $"keys under '{Reserved}', which it keeps for itself");
        NameOf(key, operation);
    }

    /// <summary>True for what the store keeps for itself.</summary>
    internal static bool IsOwn(BlobKey key) => key.Value.StartsWith(Reserved, StringComparison.Ordinal);

    /// <summary>The object's name of a key.</summary>
    /// <exception cref="StorageException">Of kind Unsupported: S3 cannot hold it under this prefix.</exception>
    internal string NameOf(BlobKey key, string operation)
    {
        if (_options.Prefix.Length == 0) return key.Value;
        string name = _options.Prefix + key.Value;
        if (Encoding.UTF8.GetByteCount(name) > S3BlobStoreOptions.MaxKeyBytes)
            throw StorageException.Unsupported(operation, key, _options.Name, $"keys that have more than {S3BlobStoreOptions.MaxKeyBytes} bytes with its prefix");
        return name;
    }

    private StorageException Crowded(string operation, BlobKey key) => new(
        StorageErrorKind.Unavailable, $"Store '{_options.Name}' found '{key}' changed by others each of {MostLooks} times that it looked.")
    {
        Operation = operation, Key = key, Store = _options.Name, IsTransient = true,
    };
}
