using System.Buffers.Binary;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>What every group of endpoints works on: the stores by name (S3's buckets), options and surroundings, and what is counted of all of them together.</summary>
internal sealed class ServedStores : IAsyncDisposable
{
    /// <summary>What the paths of everything but S3 begin with.</summary>
    public const string OwnPath = "/_strata";

    private ulong _requests = (ulong)Random.Shared.NextInt64();

    /// <exception cref="ArgumentException">An option is out of its range, or a store's name cannot be a bucket's.</exception>
    /// <exception cref="StrataConfigurationException">The access log cannot be opened.</exception>
    public ServedStores(IReadOnlyDictionary<string, IBlobStore> stores, StrataServerOptions options, StoreContext context)
    {
        if (stores.Keys.FirstOrDefault(n => n.Length == 0 || n == "_strata" || n.Contains('/', StringComparison.Ordinal)) is { } name)
            throw new ArgumentException($"A store named '{name}' cannot be a bucket.", nameof(stores));
        options.Validate();
        Stores = stores;
        Options = options;
        Context = context;
        Metrics = new ServerMetrics(context.Meter);
        Uploads = new UploadLimit(options, Metrics);
        Rates = new RequestRates(options, context, Metrics);
        UnfinishedUploads = new UnfinishedUploads(options.MaxUnfinishedUploads, context.Clock, Metrics);
        AccessLog = options.AccessLog is null ? null : new AccessLog(options.AccessLog, context, Metrics);
    }

    public IReadOnlyDictionary<string, IBlobStore> Stores { get; }

    /// <summary>Where buckets are created and deleted; null if they are not.</summary>
    public StoreCatalog? Catalog { get; init; }

    public StrataServerOptions Options { get; }

    public StoreContext Context { get; }

    public ServerMetrics Metrics { get; }

    public UploadLimit Uploads { get; }

    public RequestRates Rates { get; }

    /// <summary>Uploads in parts, bucket by bucket.</summary>
    public UnfinishedUploads UnfinishedUploads { get; }

    /// <summary>Null if none is kept.</summary>
    public AccessLog? AccessLog { get; }

    /// <summary>What a browser gets at <c>/</c>; null until the dashboard is mapped.</summary>
    public RequestDelegate? Page { get; set; }

    /// <summary>S3, guarded, for every path that is not <see cref="OwnPath"/>'s; null until it is mapped.</summary>
    public RequestDelegate? Objects { get; set; }

    /// <summary>What an S3 request is called in answers and logs.</summary>
    public string NextRequestId()
    {
        Span<byte> number = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(number, Interlocked.Increment(ref _requests));
        return Convert.ToHexString(number);
    }

    /// <summary>The endpoint, with a line in the access log about each of its requests if there is one.</summary>
    public RequestDelegate Logged(RequestDelegate endpoint) => AccessLog?.Wrap(endpoint) ?? endpoint;

    /// <summary>Once no request is under way: what the log still has to say is written. The stores stay open.</summary>
    public async ValueTask DisposeAsync()
    {
        if (AccessLog is not null) await AccessLog.DisposeAsync();
    }
}
