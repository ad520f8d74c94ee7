using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Azure.Core;
using Azure.Storage.Sas;
using Microsoft.Extensions.Logging;

namespace Strata.Azure;

/// <summary>
/// Blobs as block blobs of an Azure container: the bytes as they are, under their own keys, so that every other tool reads them.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the service's answer to Put Blob, Put Block List, Copy Blob From URL, Set Blob Metadata or Delete
/// Blob. What Azure has no place for (version, ETag, expiry, checksum, creation time) is in the blob's own metadata, and so as
/// atomic as the blob; metadata longer than Azure takes is in a blob under <c>.strata/</c> that the blob names. Keys under
/// <c>.strata/</c> are therefore refused and not listed.</para>
/// <para><b>Conditions</b> are decided by the service, by its own ETag, which changes with every change of bytes or metadata:
/// they hold among any number of stores and programs. <c>IfOlder</c> is claimed where deletes leave tombstones
/// (<see cref="AzureBlobStoreOptions.KeepsTombstones"/>; CONSISTENCY 1).</para>
/// <para><b>Large writes</b> are blocks that are joined at the commit. Azure drops the blocks of all unfinished writes of a key
/// when one write of it commits: a write that was overtaken so begins again where its content can be read again, and else
/// fails as transient with nothing applied. Blocks that were never joined are invisible, and Azure drops them after a week.</para>
/// <para><b>Unknown outcomes:</b> each write carries an id, by which it is known again after a lost reply. A
/// <see cref="StorageException"/> whose outcome is unknown is one that could not be cleared up.</para>
/// <para><b>Blobs that others wrote</b> have Azure's ETag, no version, and their last modification as both times.</para>
/// </remarks>
public sealed partial class AzureBlobStore : IBlobStore, IPresignedUrls, IAccessTiers, IBlobSweep, IStoreHealth
{
    /// <summary>What the store keeps for itself is under this prefix.</summary>
    internal const string Reserved = RemoteUploads.Reserved;

    private const int MostLooks = 50;
    private readonly AzureBlobStoreOptions _options;
    private readonly StoreContext _context;
    private readonly AzureClient _client;

    /// <summary>The prefix, as names have it.</summary>
    private readonly string _root;
    private readonly RemoteCalls _calls;
    private readonly ILogger _log;
    private readonly OperationGate _gate;
    private readonly KeyLocks _locks = new();
    private readonly VersionClock _versions;
    private readonly RemoteUploads _uploads;

    private AzureBlobStore(AzureBlobStoreOptions options, AzureAccount account, StoreContext context)
    {
        (_options, _context, _client) = (options, context, new AzureClient(options, account));
        _root = BlobNames.Encode(options.Prefix);
        _calls = new RemoteCalls(new RemoteLimits(options.Name, options.MaxAttempts, options.RetryDelay, options.ProgressTimeout), AzureErrors.Classify);
        _log = context.Loggers.CreateLogger<AzureBlobStore>();
        _gate = new OperationGate(options.Name);
        _versions = new VersionClock(context.Clock);
        _uploads = new RemoteUploads(this, context.Clock, options.UploadExpiry, _log);
        Capabilities = new StoreCapabilities
        {
            Store = options.Name,
            Conditions = WriteConditionKind.IfAbsent | WriteConditionKind.IfMatch | (options.KeepsTombstones is null ? WriteConditionKind.None : WriteConditionKind.IfOlder),
            IsSingleWriter = options.SingleWriter,
            MultipartUploads = true,
            MaxBlobLength = AzureUpload.MaxBlobBytes,
        };
    }

    /// <inheritdoc/>
    public StoreCapabilities Capabilities { get; }

    /// <inheritdoc/>
    public string? Fault => _calls.Fault;

    internal AzureClient Client => _client;

    internal RemoteCalls Calls => _calls;

    internal AzureBlobStoreOptions Options => _options;

    private DateTimeOffset Now => _context.Clock.GetUtcNow();

    /// <summary>Opens a store. The container is not looked at.</summary>
    /// <exception cref="ArgumentException">The options are wrong, or name no account.</exception>
    public static AzureBlobStore Open(AzureBlobStoreOptions options, StoreContext? context = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        return new AzureBlobStore(options, AzureAccount.Of(options, Environment.GetEnvironmentVariable), context ?? StoreContext.Default);
    }

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class
    {
        bool has = typeof(T) == typeof(IAccessTiers) || typeof(T) == typeof(IBlobSweep) || typeof(T) == typeof(IStoreHealth) || (typeof(T) == typeof(IPresignedUrls) && _client.Signs);
        facet = typeof(T) == typeof(IMultipartUploads) ? (T)(object)_uploads : has ? (T)(object)this : null;
        return facet is not null;
    }

    /// <summary>Waits for what is under way.</summary>
    public async ValueTask DisposeAsync()
    {
        if (await _gate.CloseAsync().ConfigureAwait(false)) _client.Dispose();
    }

    /// <inheritdoc/>
    public ValueTask<Uri> ForReadAsync(BlobKey key, TimeSpan lifetime, CancellationToken cancellationToken = default) => Presign(key, lifetime, BlobSasPermissions.Read);

    /// <inheritdoc/>
    /// <remarks>The PUT must have the header <c>x-ms-blob-type: BlockBlob</c>. Azure's addresses bind no content type: to ask for one is refused.</remarks>
    public ValueTask<Uri> ForWriteAsync(BlobKey key, TimeSpan lifetime, string? contentType = null, CancellationToken cancellationToken = default) =>
        contentType is null ? Presign(key, lifetime, BlobSasPermissions.Create | BlobSasPermissions.Write) : throw StorageException.Unsupported("presign", key, _options.Name, "addresses that bind a content type");

    internal static string NewWriteId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));

    /// <summary>Refuses what no caller may name.</summary>
    /// <exception cref="ArgumentException">The key is default.</exception>
    /// <exception cref="StorageException">Of kind Unsupported: Azure cannot hold it under this prefix, or it is the store's own.</exception>
    internal void CheckKey(BlobKey key, string operation)
    {
        StoreCapabilities.CheckKey(key);
        if (IsOwn(key)) throw StorageException.Unsupported(operation, key, _options.Name, $"keys under '{Reserved}', which it keeps for itself");
        NameOf(key, operation);
    }

    /// <summary>True for what the store keeps for itself.</summary>
    internal static bool IsOwn(BlobKey key) => key.Value.StartsWith(Reserved, StringComparison.Ordinal);

    /// <summary>The blob's name of a key.</summary>
    /// <exception cref="StorageException">Of kind Unsupported: Azure cannot hold it under this prefix.</exception>
    internal string NameOf(BlobKey key, string operation)
    {
        string name = _root + BlobNames.Encode(key.Value);
        if (name.Length > AzureBlobStoreOptions.MaxNameBytes || Encoding.UTF8.GetByteCount(name) > AzureBlobStoreOptions.MaxNameBytes)
            throw StorageException.Unsupported(operation, key, _options.Name, $"keys that have more than {AzureBlobStoreOptions.MaxNameBytes} bytes with its prefix, as it writes them");
        return name;
    }

    /// <summary>Runs a request that may be refused or find nothing.</summary>
    internal static async Task<RemoteAnswer> AnsweredAsync(Func<Task> send)
    {
        try
        {
            await send().ConfigureAwait(false);
            return RemoteAnswer.Done;
        }
        catch (AzureFailure e) when (e.IsRefused)
        {
            return RemoteAnswer.Refused;
        }
        catch (AzureFailure e) when (e.IsMissing || e.IsSourceChanged)
        {
            return RemoteAnswer.Missing;
        }
    }

    /// <summary>What the service is to check, and in which tier it is to keep what is written.</summary>
    internal static void AddCondition(Request request, AzurePrecondition condition)
    {
        if (condition.Match is { } etag) request.Headers.SetValue("If-Match", etag);
        if (condition.IsAbsent) request.Headers.SetValue("If-None-Match", "*");
    }

    internal void AddTier(Request request)
    {
        if (_options.AccessTier is { } tier) request.Headers.SetValue("x-ms-access-tier", tier.ToString());
    }

    private ValueTask<Uri> Presign(BlobKey key, TimeSpan lifetime, BlobSasPermissions permissions)
    {
        using OperationGate.Pass pass = _gate.Enter("presign");
        CheckKey(key, "presign");
        string name = NameOf(key, "presign");
        if (lifetime <= TimeSpan.Zero || lifetime > TimeSpan.FromDays(7)) throw new ArgumentException($"The lifetime must be more than 0 and at most 7 days; it is {lifetime}.", nameof(lifetime));
        if (!_client.Signs) throw StorageException.Unsupported("presign", key, _options.Name, "signed addresses without an account's key");

        // The signature's time is the machine's: the server compares it with its own.
        return new(_client.Sign(name, permissions, TimeProvider.System.GetUtcNow() + lifetime));
    }

    private StorageException Crowded(string operation, BlobKey key) => new(
        StorageErrorKind.Unavailable, $"Store '{_options.Name}' found '{key}' changed by others each of {MostLooks} times that it looked.")
    {
        Operation = operation, Key = key, Store = _options.Name, IsTransient = true,
    };
}
