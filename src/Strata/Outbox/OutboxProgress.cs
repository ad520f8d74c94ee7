using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// How the sending of this process goes, and whether its target is away: then one intent at a time finds out whether it is back. What
/// goes wrong is told in the log: an outage when it begins and when it is over, failures at most once in <see cref="Throttle"/>.
/// </summary>
internal sealed class OutboxProgress(OutboxOptions options, TimeProvider clock, ILogger log)
{
    /// <summary>Between two lines of the log about failures.</summary>
    public static readonly TimeSpan Throttle = TimeSpan.FromSeconds(30);
    private readonly Lock _gate = new();
    private DateTimeOffset? _lastSuccess;
    private DateTimeOffset? _unreachableSince;
    private DateTimeOffset _nextProbe;
    private DateTimeOffset _nextLine;
    private string? _lastError;
    private long _untold;
    private int _probes;

    /// <summary>How long nothing may be sent; zero: one intent may, to see whether the target is back. Null: it is there.</summary>
    public TimeSpan? Outage
    {
        get
        {
            lock (_gate)
            {
                if (_unreachableSince is null) return null;
                TimeSpan wait = _nextProbe - clock.GetUtcNow();
                if (wait > options.LongestProbeDelay) wait = options.LongestProbeDelay;
                return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
            }
        }
    }

    public void Sent()
    {
        DateTimeOffset? since;
        lock (_gate)
        {
            since = _unreachableSince;
            (_lastSuccess, _unreachableSince, _probes) = (clock.GetUtcNow(), null, 0);
        }

        TellBack(since);
    }

    /// <summary>An attempt failed, though the target was there.</summary>
    public void Failed(string key, string error)
    {
        DateTimeOffset? since;
        long untold;
        bool isTold;
        lock (_gate)
        {
            DateTimeOffset now = clock.GetUtcNow();
            since = _unreachableSince;
            (_lastError, _unreachableSince, _probes) = (error, null, 0);

            // A clock that was set back does not make it silent.
            isTold = now >= _nextLine || _nextLine > now + Throttle;
            untold = _untold;
            (_untold, _nextLine) = isTold ? (0, now + Throttle) : (untold + 1, _nextLine);
        }

        TellBack(since);
        if (isTold) log.LogWarning("Sending '{Key}' of outbox '{Outbox}' failed and is tried again, or given up: {Error} ({Count} others failed since this was last told)", key, options.Label, error, untold);
    }

    public void Unreachable(string error)
    {
        lock (_gate)
        {
            DateTimeOffset now = clock.GetUtcNow();
            _lastError = error;

            // Those that were under way together find it out together: that is one probe.
            if (_unreachableSince is not null && now < _nextProbe) return;
            _nextProbe = now + OutboxOptions.DelayAfter(++_probes, options.FirstDelay, options.LongestProbeDelay);
            if (_unreachableSince is not null) return;
            _unreachableSince = now;
        }

        log.LogWarning("The target of outbox '{Outbox}' cannot be reached, and is tried until it can: {Error}", options.Label, error);
    }

    public OutboxStatus AddTo(OutboxStatus status)
    {
        lock (_gate) return status with { LastSuccess = _lastSuccess, LastError = _lastError, UnreachableSince = _unreachableSince };
    }

    private void TellBack(DateTimeOffset? since)
    {
        if (since is { } began) log.LogInformation("The target of outbox '{Outbox}' is reached again; it was out since {Since:u}", options.Label, began);
    }
}
