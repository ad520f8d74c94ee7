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
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly Lock _gate = new();
    private readonly List<FakeTimer> _armed = [];
    private readonly List<(Func<bool> Holds, TaskCompletionSource Reached)> _waiters = [];
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

    /// <summary>
    /// Completes as soon as at least <paramref name="count"/> timers are armed, whosever they are: for a clock that nobody else
    /// uses. Otherwise see <see cref="WaitForTimerAsync"/>.
    /// </summary>
    /// <exception cref="TimeoutException">They were not within a minute of real time.</exception>
    public Task WaitForTimersAsync(int count, CancellationToken cancellationToken = default) =>
        WaitAsync(() => _armed.Count >= count, $"{count} of them", cancellationToken);

    /// <summary>Completes as soon as so many timers are armed that are due in exactly this time: what a test awaits before it advances by it.</summary>
    /// <exception cref="TimeoutException">They were not within a minute of real time.</exception>
    public Task WaitForTimerAsync(TimeSpan due, int count = 1, CancellationToken cancellationToken = default) =>
        WaitAsync(() => _armed.Count(timer => timer.Due == _monotonic + due.Ticks) >= count, $"{count} due in {due}", cancellationToken);

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new FakeTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private async Task WaitAsync(Func<bool> holds, string what, CancellationToken cancellationToken)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (holds()) return;
            _waiters.Add((holds, reached));
        }

        try
        {
            await reached.Task.WaitAsync(Patience, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            lock (_gate) throw new TimeoutException($"Within {Patience} of real time too few timers were armed; asked: {what}; armed: due in {string.Join(", ", _armed.Select(timer => TimeSpan.FromTicks(timer.Due - _monotonic)))}.", e);
        }
        finally
        {
            lock (_gate) _waiters.RemoveAll(waiter => waiter.Reached == reached);
        }
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
            foreach ((_, TaskCompletionSource reached) in _waiters.Where(waiter => waiter.Holds())) reached.TrySetResult();
            _waiters.RemoveAll(waiter => waiter.Reached.Task.IsCompleted);
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
