namespace Strata;

/// <summary>Makes a run again and again, some time after the end of the last one. What fails is in the runner's status; the next run comes all the same.</summary>
internal sealed class TieringWorker : IAsyncDisposable
{
    private readonly TimeSpan _every;
    private readonly Func<CancellationToken, Task> _run;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private Task _running = Task.CompletedTask;
    private DateTimeOffset? _next;
    private bool _isClosed;

    public TieringWorker(TimeSpan every, Func<CancellationToken, Task> run, TimeProvider clock)
    {
        (_every, _run, _clock) = (every, run, clock);
        _timer = clock.CreateTimer(static worker => ((TieringWorker)worker!).Begin(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Arm();
    }

    /// <summary>When the next run begins; null while one is under way.</summary>
    public DateTimeOffset? Next
    {
        get
        {
            lock (_gate) return _next;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task running;
        lock (_gate)
        {
            if (_isClosed) return;
            _isClosed = true;
            _next = null;
            running = _running;
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        await _closing.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
        _closing.Dispose();
    }

    private void Arm()
    {
        lock (_gate)
        {
            if (_isClosed) return;
            _next = _clock.GetUtcNow() + _every;
            _timer.Change(_every, Timeout.InfiniteTimeSpan);
        }
    }

    private void Begin()
    {
        lock (_gate)
        {
            if (_isClosed) return;
            _next = null;
            _running = RunAsync();
        }
    }

    private async Task RunAsync()
    {
        // Off the thread that holds the gate.
        await Task.Yield();
        try
        {
            await _run(_closing.Token).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The runner has noted and logged it; cancelled, the store closes.
        }

        Arm();
    }
}
