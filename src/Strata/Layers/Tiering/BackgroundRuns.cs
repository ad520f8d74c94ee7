using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>Something that runs in the background when it is woken, and again for as long as something is left: one run at a time, none after the end.</summary>
internal sealed class BackgroundRuns : IAsyncDisposable
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(10), Least = TimeSpan.FromMilliseconds(1);
    private readonly Func<CancellationToken, ValueTask<TimeSpan?>> _run;
    private readonly TimeSpan _pause;
    private readonly ILogger _log;
    private readonly ITimer _timer;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private Task _running = Task.CompletedTask;
    private TimeSpan? _woken;
    private State _state;

    /// <param name="run">Does what can be done, and says after what time there is more to do; null: nothing is left.</param>
    /// <param name="pause">Between two runs, at least: what fails is not tried again at once.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="log">Told of a run that fails; it is tried again.</param>
    public BackgroundRuns(Func<CancellationToken, ValueTask<TimeSpan?>> run, TimeSpan pause, TimeProvider clock, ILogger log)
    {
        (_run, _pause, _log) = (run, pause, log);
        _timer = clock.CreateTimer(static runs => ((BackgroundRuns)runs!).Begin(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private enum State
    {
        Idle,

        /// <summary>The timer is set.</summary>
        Armed,

        Running,
        Closed,
    }

    /// <summary>There is something to do, after a while; where a run is due already nothing is hastened.</summary>
    public void Wake(TimeSpan after = default)
    {
        lock (_gate)
        {
            if (_state == State.Idle && after <= TimeSpan.Zero) Run();
            else if (_state == State.Idle) Arm(after);

            // The run may have looked there already.
            else if (_state == State.Running && !(_woken <= after)) _woken = after;
        }
    }

    /// <summary>Cancels the run under way, and waits for it.</summary>
    public async ValueTask DisposeAsync()
    {
        Task running;
        lock (_gate)
        {
            if (_state == State.Closed) return;
            _state = State.Closed;
            running = _running;
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        await _closing.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
        _closing.Dispose();
    }

    private void Begin()
    {
        lock (_gate)
        {
            if (_state == State.Armed) Run();
        }
    }

    private void Arm(TimeSpan after)
    {
        _state = State.Armed;
        _timer.Change(after > Least ? after : Least, Timeout.InfiniteTimeSpan);
    }

    private void Run()
    {
        (_state, _woken) = (State.Running, null);

        // Off the thread that holds the gate.
        _running = Task.Run(RunAsync);
    }

    private async Task RunAsync()
    {
        TimeSpan? next = Retry;
        try
        {
            next = await _run(_closing.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e)
        {
            _log.LogError(e, "What runs in the background has failed; it is tried again");
        }

        lock (_gate)
        {
            if (_state != State.Running) return;
            _state = State.Idle;
            if (!(next <= _woken)) next = _woken ?? next;
            if (next is { } after) Arm(after > _pause ? after : _pause);
        }
    }
}
