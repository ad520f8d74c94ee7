using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace Strata.Server;

/// <summary>
/// A token bucket for each access key or, where there are none, each address. There are at most so many buckets: those
/// that are full again tell no more than new ones and make room; if none is, newcomers share a bucket.
/// </summary>
internal sealed class RequestRates(StrataServerOptions options, StoreContext context, ServerMetrics metrics) : IDisposable
{
    /// <summary>The name of requests that nobody signed.</summary>
    private static readonly string Anybody = AccessPrincipal.Anybody.Name;

    /// <summary>A full sweep may find nothing to drop, so that it is not made for every newcomer.</summary>
    private static readonly TimeSpan BetweenSweeps = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, TokenBucketRateLimiter> _buckets = new(StringComparer.Ordinal);
    private TokenBucketRateLimiter? _shared;
    private long? _swept;

    /// <summary>Buckets that are held now.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _buckets.Count;
        }
    }

    /// <summary>Takes a token for a request; false, and counted as a refusal, if there is none.</summary>
    public bool TryTake(string principal, IPAddress? address)
    {
        if (options.MaxRequestsPerSecond == 0) return true;
        lock (_lock)
        {
            TokenBucketRateLimiter bucket = BucketOf(principal == Anybody ? NameOf(address) : principal);
            bucket.TryReplenish();
            using RateLimitLease lease = bucket.AttemptAcquire();
            if (lease.IsAcquired) return true;
        }

        metrics.CountRefusal("rate");
        return false;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (TokenBucketRateLimiter bucket in _buckets.Values) bucket.Dispose();
            _buckets.Clear();
            _shared?.Dispose();
        }
    }

    /// <summary>A network that one customer gets in IPv6 counts as one address. No key's id holds a colon or a dot.</summary>
    private static string NameOf(IPAddress? address)
    {
        if (address is null) return "";
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? $"{Convert.ToHexStringLower(address.GetAddressBytes().AsSpan(0, 8))}::"
            : address.ToString();
    }

    private TokenBucketRateLimiter BucketOf(string name)
    {
        if (_buckets.TryGetValue(name, out TokenBucketRateLimiter? bucket)) return bucket;
        if (_buckets.Count >= options.MaxRateCounters) Sweep();
        return _buckets.Count >= options.MaxRateCounters ? _shared ??= NewBucket() : _buckets[name] = NewBucket();
    }

    private void Sweep()
    {
        if (_swept is { } last && context.Clock.GetElapsedTime(last) < BetweenSweeps) return;
        _swept = context.Clock.GetTimestamp();
        foreach ((string name, TokenBucketRateLimiter bucket) in _buckets.ToArray())
        {
            bucket.TryReplenish();
            if (bucket.GetStatistics()!.CurrentAvailablePermits < options.MaxRequestsPerSecond) continue;
            _buckets.Remove(name);
            bucket.Dispose();
        }
    }

    private TokenBucketRateLimiter NewBucket() => new(new TokenBucketRateLimiterOptions
    {
        TokenLimit = options.MaxRequestsPerSecond,
        TokensPerPeriod = options.MaxRequestsPerSecond,
        ReplenishmentPeriod = TimeSpan.FromSeconds(1),
        AutoReplenishment = false,
        QueueLimit = 0,
    });
}
