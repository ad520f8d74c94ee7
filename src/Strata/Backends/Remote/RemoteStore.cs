using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// A store of blobs over an object store: all of it but how requests are made (<see cref="IRemoteService"/>) and what the
/// server can do (<see cref="RemoteTraits"/>).
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the server's answer to the request that makes the object. What the server has no place for
/// (version, ETag, expiry, checksum, creation time) is in the object's own metadata, and so as atomic as the object; what is
/// too long for headers, or not known when they are sent, is in an appendix that the object names.</para>
/// <para><b>Conditions:</b> a look at what is there decides, and the server's own ETag guards what lies between look and
/// write; where that was passed, the next look decides anew.</para>
/// </remarks>
internal sealed partial class RemoteStore : IAsyncDisposable
{
    private const int MostLooks = 50, LeastAtOnce = 16;
    private readonly IRemoteService _service;
    private readonly RemoteTraits _traits;
    private readonly RemoteOptions _options;
    private readonly StoreContext _context;
    private readonly ILogger _log;
    private readonly OperationGate _gate;
    private readonly KeyLocks _locks = new();
    private readonly VersionClock _versions;
    private readonly RemoteAppendices _appendices;
    private readonly ConcurrentDictionary<RemoteUpload, bool> _sending = new();

    public RemoteStore(IRemoteService service, RemoteOptions options, StoreContext context, ILogger log)
    {
        (_service, _traits, _options, _context, _log) = (service, service.Traits, options, context, log);
        _gate = new OperationGate(options.Name);
        _versions = new VersionClock(context.Clock);
        _appendices = new RemoteAppendices(service, log);
        Uploads = new RemoteUploads(this, context.Clock, options.UploadExpiry, log);
        Capabilities = new StoreCapabilities
        {
            Store = options.Name,
            Conditions = (options.SingleWriter || _traits.ConditionalPut ? WriteConditionKind.IfAbsent | WriteConditionKind.IfMatch : WriteConditionKind.None)
                | ((options.SingleWriter || _traits.UniqueETags) && options.KeepsTombstones is not null ? WriteConditionKind.IfOlder : WriteConditionKind.None),
            IsSingleWriter = options.SingleWriter,
            MultipartUploads = true,
            MaxBlobLength = _traits.MaxBlobBytes,
        };
    }

    public StoreCapabilities Capabilities { get; }

    /// <summary>Uploads in parts.</summary>
    public RemoteUploads Uploads { get; }

    public string? Fault => Calls.Fault;

    public RemoteOptions Options => _options;

    public IRemoteService Service => _service;

    public RemoteCalls Calls => _service.Calls;

    public ArrayPool<byte> Buffers => _context.Buffers;

    public ILogger Log => _log;

    /// <summary>How many requests of one listing, bulk delete or sweep go side by side.</summary>
    public int Parallelism => Math.Max(LeastAtOnce, _options.Parallelism);

    private DateTimeOffset Now => _context.Clock.GetUtcNow();

    /// <summary>Waits for what is under way, and drops what was not committed.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!await _gate.CloseAsync().ConfigureAwait(false)) return;
        foreach (RemoteUpload upload in _sending.Keys) await upload.DisposeAsync().ConfigureAwait(false);
        _service.Dispose();
    }

    /// <exception cref="StorageException">Of kind Closed.</exception>
    public OperationGate.Pass Enter(string operation) => _gate.Enter(operation);

    /// <summary>Refuses what no caller may name.</summary>
    /// <exception cref="ArgumentException">The key is default.</exception>
    /// <exception cref="StorageException">Of kind Unsupported: the server cannot hold it under this prefix, or it is the store's own.</exception>
    public void CheckKey(BlobKey key, string operation)
    {
        StoreCapabilities.CheckKey(key);
        if (IsOwn(key)) throw StorageException.Unsupported(operation, key, _options.Name, $"keys under '{RemoteUploads.Reserved}', which it keeps for itself");
        _service.NameOf(key, operation);
    }

    public BlobVersion NextVersion() => _versions.Next();

    /// <summary>Names a write.</summary>
    public static string NewWriteId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));

    /// <summary>An address that holds what it allows.</summary>
    /// <param name="key">Of the blob.</param>
    /// <param name="lifetime">More than 0, at most 7 days.</param>
    /// <param name="sign">Makes it of the object's name.</param>
    public async ValueTask<Uri> PresignAsync(BlobKey key, TimeSpan lifetime, Func<string, ValueTask<Uri>> sign)
    {
        using OperationGate.Pass pass = Enter("presign");
        CheckKey(key, "presign");
        if (lifetime <= TimeSpan.Zero || lifetime > TimeSpan.FromDays(7)) throw new ArgumentException($"The lifetime must be more than 0 and at most 7 days; it is {lifetime}.", nameof(lifetime));
        return await sign(_service.NameOf(key, "presign")).ConfigureAwait(false);
    }

    public void Track(RemoteUpload upload) => _sending[upload] = true;

    public void Forget(RemoteUpload upload) => _sending.TryRemove(upload, out _);

    /// <summary>A blob that is to be seen; null for what has expired, and for nothing.</summary>
    public BlobInfo? Visible(RemoteBlob? found) => found?.IsVisibleAt(Now) == true ? found.Info : null;

    /// <summary>True for what the store keeps for itself.</summary>
    private static bool IsOwn(BlobKey key) => key.Value.StartsWith(RemoteUploads.Reserved, StringComparison.Ordinal);

    private BlobVersion Floor(RemoteBlob? found) => RemoteBlob.Floor(found, Now);

    private ParallelOptions AtOnce(CancellationToken cancellationToken) => new() { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken };

    private StorageException Crowded(string operation, BlobKey key) => new(
        StorageErrorKind.Unavailable, $"Store '{_options.Name}' found '{key}' changed by others each of {MostLooks} times that it looked.")
    {
        Operation = operation, Key = key, Store = _options.Name, IsTransient = true,
    };
}
