using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>What every group of endpoints works on: the stores by name (S3's buckets), options and surroundings.</summary>
internal sealed class ServedStores(IReadOnlyDictionary<string, IBlobStore> stores, StrataServerOptions options, StoreContext context)
{
    private ulong _requests = (ulong)Random.Shared.NextInt64();

    public IReadOnlyDictionary<string, IBlobStore> Stores { get; } = stores;

    public StrataServerOptions Options { get; } = options;

    public StoreContext Context { get; } = context;

    /// <summary>What a browser gets at <c>/</c>; null until the dashboard is mapped.</summary>
    public RequestDelegate? Page { get; set; }

    /// <summary>What an S3 request is called in answers and logs.</summary>
    public string NextRequestId() => Interlocked.Increment(ref _requests).ToString("X16", CultureInfo.InvariantCulture);
}
