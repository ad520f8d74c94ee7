using System.Diagnostics.CodeAnalysis;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
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
public sealed class S3BlobStore : IBlobStore, IPresignedUrls, IBlobSweep, IStoreHealth
{
    private readonly S3BlobStoreOptions _options;
    private readonly S3Service _service;
    private readonly RemoteStore _store;

    private S3BlobStore(S3BlobStoreOptions options, S3Provider provider, AmazonS3Client client, RemoteCalls calls, StoreContext context)
    {
        ILogger log = context.Loggers.CreateLogger<S3BlobStore>();
        (_options, Provider) = (options, provider);
        _service = new S3Service(options, provider, client, calls, log);
        _store = new RemoteStore(_service, options.Remote, context, log);
    }

    /// <inheritdoc/>
    public StoreCapabilities Capabilities => _store.Capabilities;

    /// <inheritdoc/>
    public string? Fault => _store.Fault;

    /// <summary>Which S3 this is, as set, told by the endpoint or found by trying.</summary>
    public S3Provider Provider { get; }

    /// <summary>Opens a store. The bucket is not looked at, unless the provider must be found by trying.</summary>
    /// <exception cref="ArgumentException">The options are wrong.</exception>
    /// <exception cref="StorageException">The provider could not be found out.</exception>
    public static async ValueTask<S3BlobStore> OpenAsync(S3BlobStoreOptions options, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        AmazonS3Client client = S3Service.CreateClient(options);
        try
        {
            var calls = new RemoteCalls(options.Remote.Limits, S3Errors.Classify);
            S3Provider provider = options.Provider ?? S3Provider.Of(options.Endpoint) ?? await S3Probe.RunAsync(client, calls, options, cancellationToken).ConfigureAwait(false);
            return new S3BlobStore(options, provider, client, calls, context ?? StoreContext.Default);
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
        facet = typeof(T) == typeof(IMultipartUploads) ? (T)(object)_store.Uploads : has ? (T)(object)this : null;
        return facet is not null;
    }

    /// <summary>Waits for what is under way, and aborts uploads that were not committed.</summary>
    public ValueTask DisposeAsync() => _store.DisposeAsync();

    /// <inheritdoc/>
    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default) => _store.StatAsync(key, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default) => _store.ReadAsync(key, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        _store.WriteAsync(key, content, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default) => _store.OpenWriterAsync(key, options, cancellationToken);

    /// <inheritdoc/>
    /// <remarks>
    /// Moves no payload where the server copies an object onto itself under a condition, or where this is the only writer.
    /// Elsewhere a blob of up to one part is read and written under a condition; a longer one is copied by the server without
    /// one unless the caller asked for it, so that another process's write within that moment may be undone.
    /// </remarks>
    public ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default) =>
        _store.UpdateAsync(key, changes, condition, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default) =>
        _store.CopyAsync(source, target, options, cancellationToken);

    /// <inheritdoc/>
    /// <remarks>
    /// Where the server ignores conditions on deletes (and this is not the only writer), a conditional delete is a conditional
    /// write of a few bytes that have already expired: as atomic as any, and as invisible as if nothing were there. It stays
    /// until the next write of the key, or a sweep. With <see cref="S3BlobStoreOptions.KeepsTombstones"/> all deletes are such.
    /// </remarks>
    public ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default) => _store.DeleteAsync(key, condition, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) => _store.DeleteManyAsync(keys, cancellationToken);

    /// <inheritdoc/>
    /// <remarks>
    /// S3's own listing tells key, length, its ETag and the last modification. An exact listing (the default) looks at each
    /// object besides, some at once: it costs a request an item. Objects whose names are no keys are not listed.
    /// </remarks>
    public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default) => _store.ListPageAsync(request, cancellationToken);

    /// <inheritdoc/>
    /// <remarks>
    /// S3's listing tells no expiry: a look at each object, some at once, unless <see cref="SweepOptions.OnlyTombstones"/> is set. A
    /// server that ignores conditions on deletes has expired blobs replaced by tombstones, which stay, unless this is the only writer.
    /// </remarks>
    public ValueTask<SweepResult> SweepAsync(SweepOptions? options = null, IProgress<SweepResult>? progress = null, CancellationToken cancellationToken = default) =>
        _store.SweepAsync(options, progress, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<Uri> ForReadAsync(BlobKey key, TimeSpan lifetime, CancellationToken cancellationToken = default) =>
        _store.PresignAsync(key, lifetime, name => SignAsync(key, name, lifetime, HttpVerb.GET, null));

    /// <inheritdoc/>
    public ValueTask<Uri> ForWriteAsync(BlobKey key, TimeSpan lifetime, string? contentType = null, CancellationToken cancellationToken = default) =>
        _store.PresignAsync(key, lifetime, name => SignAsync(key, name, lifetime, HttpVerb.PUT, contentType));

    private async ValueTask<Uri> SignAsync(BlobKey key, string name, TimeSpan lifetime, HttpVerb verb, string? contentType)
    {
        var request = new GetPreSignedUrlRequest
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
            return new Uri(await _service.Client.GetPreSignedURLAsync(request).ConfigureAwait(false));
        }
        catch (AmazonClientException e)
        {
            throw _service.Calls.ToException(S3Errors.Classify(e), e, "presign", key, isUnknown: false);
        }
    }
}
