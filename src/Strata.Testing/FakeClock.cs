namespace Strata.Testing;

/// <summary>
/// A clock that stands still until a test moves it. Timers, and with them <c>Task.Delay</c>, fire within
/// <see cref="Advance"/>, in the order in which they are due, each at its own moment.
/// </summary>
/// <remarks>
/// Wall-clock and monotonic time are apart, as on a real machine: <see cref="Jump"/> moves the first alone. Safe for
/// concurrent use; callbacks run on the thread that advances. A timer with a period fires at most 10,000 times or so within one
/// advance, as on a machine that is too busy to keep up: years pass in no time.
/// </remarks>
/// <param name="start">The first wall-clock time; null for midnight of 1 January 2026, UTC.</param>
public sealed class FakeClock(DateTimeOffset? start = null) : TimeProvider
{
    private const int MostPeriods = 10_000;
    private readonly Lock _gate = new();
    private readonly List<FakeTimer> _armed = [];
    private readonly List<(int Count, TaskCompletionSource Reached)> _waiters = [];
    private DateTimeOffset _wall = start ?? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private long _monotonic = TimeSpan.TicksPerDay;
    private long _sequence;

    /// <summary>Always UTC.</summary>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>Ticks of 100 ns.</summary>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Timers that will fire if the clock is advanced far enough.</summary>
    public int ArmedTimers
    {
        get
        {
            lock (_gate) return _armed.Count;
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate) return _wall;
    }

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        lock (_gate) return _monotonic;
    }

    /// <summary>Moves both clocks forward and fires what falls due on the way.</summary>
    /// <param name="by">Zero or more.</param>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        long end, leastPeriod = by.Ticks / MostPeriods;
        lock (_gate) end = _monotonic + by.Ticks;
        while (NextDue(end, leastPeriod) is { } timer) timer.Fire();
        lock (_gate) MoveTo(end);
    }

    /// <summary>Sets the wall clock forward or back; monotonic time and timers do not notice.</summary>
    public void Jump(TimeSpan by)
    {
        lock (_gate) _wall += by;
    }

    /// <summary>Completes as soon as at least <paramref name="count"/> timers are armed: what a test awaits before it advances.</summary>
    public Task WaitForTimersAsync(int count, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_armed.Count >= count) return Task.CompletedTask;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((count, reached));
            return reached.Task.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new FakeTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private void MoveTo(long monotonic)
    {
        if (monotonic <= _monotonic) return;
        _wall += TimeSpan.FromTicks(monotonic - _monotonic);
        _monotonic = monotonic;
    }

    private FakeTimer? NextDue(long end, long leastPeriod)
    {
        lock (_gate)
        {
            FakeTimer? next = null;
            foreach (FakeTimer timer in _armed)
            {
                if (timer.Due <= end && (next is null || (timer.Due, timer.Sequence).CompareTo((next.Due, next.Sequence)) < 0)) next = timer;
            }

            if (next is null) return null;
            MoveTo(next.Due);
            if (next.Period > 0) next.Due += Math.Max(next.Period, leastPeriod);
            else _armed.Remove(next);
            return next;
        }
    }

    private void Arm(FakeTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        lock (_gate)
        {
            _armed.Remove(timer);
            if (dueTime < TimeSpan.Zero) return;
            timer.Due = _monotonic + dueTime.Ticks;
            timer.Period = period > TimeSpan.Zero ? period.Ticks : 0;
            timer.Sequence = _sequence++;
            _armed.Add(timer);
            foreach ((int count, TaskCompletionSource reached) in _waiters.Where(w => w.Count <= _armed.Count)) reached.TrySetResult();
            _waiters.RemoveAll(w => w.Count <= _armed.Count);
        }
    }

    private bool Disarm(FakeTimer timer)
    {
        lock (_gate) return _armed.Remove(timer);
    }

    private sealed class FakeTimer(FakeClock clock, TimerCallback callback, object? state) : ITimer
    {
        private volatile bool _disposed;

        public long Due { get; set; }

        public long Period { get; set; }

        /// <summary>Timers due at the same moment fire in the order in which they were armed.</summary>
        public long Sequence { get; set; }

        public void Fire()
        {
            if (!_disposed) callback(state);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (_disposed) return false;
            clock.Arm(this, dueTime, period);
            return true;
        }

        public void Dispose()
        {
            _disposed = true;
            clock.Disarm(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
