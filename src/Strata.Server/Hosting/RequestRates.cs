using System.Net;

namespace Strata.Server;

/// <summary>S3 requests a second of each access key or, where there are none, of each address.</summary>
internal sealed class RequestRates(StrataServerOptions options, StoreContext context, ServerMetrics metrics)
{
    private readonly TokenBuckets? _buckets = options.MaxRequestsPerSecond == 0
        ? null
        : new TokenBuckets(options.MaxRequestsPerSecond, TimeSpan.FromSeconds(1), options.MaxRateCounters, context.Clock);

    /// <summary>Takes a token for a request; false, and counted as a refusal, if there is none.</summary>
    public bool TryTake(string principal, IPAddress? address)
    {
        if (_buckets is null || _buckets.TryTake(ClientName.Of(principal, address))) return true;
        metrics.CountRefusal("rate");
        return false;
    }
}
