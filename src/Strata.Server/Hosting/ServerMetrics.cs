using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Strata.Server;

/// <summary>What the server counts, on the meter <c>Strata</c>. Tags are operation and status, never keys.</summary>
internal sealed class ServerMetrics(Meter meter)
{
    private readonly Counter<long> _requests = meter.CreateCounter<long>("strata.server.requests", "{request}", "S3 requests answered");
    private readonly Counter<long> _received = meter.CreateCounter<long>("strata.server.received", "By", "Bytes of objects received");
    private readonly Counter<long> _sent = meter.CreateCounter<long>("strata.server.sent", "By", "Bytes of objects sent");
    private readonly Histogram<double> _duration = meter.CreateHistogram<double>("strata.server.duration", "s", "Time from the request's headers to the answer's last byte");

    private readonly Counter<long> _refusals = meter.CreateCounter<long>("strata.server.refusals", "{request}", "Requests refused because of a limit (uploads, share, unfinished, rate, authentication)");
    private readonly Counter<long> _linesLost = meter.CreateCounter<long>("strata.server.access_log.lost", "{line}", "Lines of the access log that could not be written");

    /// <summary>Counts a request that a limit refused.</summary>
    /// <param name="limit">
    /// <c>uploads</c> at once, the <c>share</c> of one client of them, <c>unfinished</c> uploads in parts, <c>rate</c>, or
    /// refusals for want of <c>authentication</c>.
    /// </param>
    public void CountRefusal(string limit) => _refusals.Add(1, new KeyValuePair<string, object?>("limit", limit));

    /// <summary>Counts lines of the access log that nobody will read.</summary>
    public void CountLinesLost(long lines) => _linesLost.Add(lines);

    /// <summary>False while nobody listens to what <see cref="Record"/> tells.</summary>
    public bool IsEnabled => _requests.Enabled || _duration.Enabled || _received.Enabled || _sent.Enabled;

    public void Record(string operation, int status, long received, long sent, TimeSpan duration)
    {
        if (!IsEnabled) return;
        var tags = new TagList { { "operation", operation }, { "status", status } };
        _requests.Add(1, tags);
        _duration.Record(duration.TotalSeconds, tags);
        if (received > 0) _received.Add(received, tags);
        if (sent > 0) _sent.Add(sent, tags);
    }
}
