namespace Strata;

/// <summary>How the sending of this process goes, and whether its target is away: then one intent at a time finds out whether it is back.</summary>
internal sealed class OutboxProgress(OutboxOptions options, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private DateTimeOffset? _lastSuccess;
    private DateTimeOffset? _unreachableSince;
    private DateTimeOffset _nextProbe;
    private string? _lastError;
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
        lock (_gate) (_lastSuccess, _unreachableSince, _probes) = (clock.GetUtcNow(), null, 0);
    }

    /// <summary>An attempt failed, though the target was there.</summary>
    public void Failed(string error)
    {
        lock (_gate) (_lastError, _unreachableSince, _probes) = (error, null, 0);
    }

    public void Unreachable(string error)
    {
        lock (_gate)
        {
            DateTimeOffset now = clock.GetUtcNow();
            _lastError = error;

            // Those that were under way together find it out together: that is one probe.
            if (_unreachableSince is not null && now < _nextProbe) return;
            _unreachableSince ??= now;
            _nextProbe = now + OutboxOptions.DelayAfter(++_probes, options.FirstDelay, options.LongestProbeDelay);
        }
    }

    public OutboxStatus AddTo(OutboxStatus status)
    {
        lock (_gate) return status with { LastSuccess = _lastSuccess, LastError = _lastError, UnreachableSince = _unreachableSince };
    }
}
