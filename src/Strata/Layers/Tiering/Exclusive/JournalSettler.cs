namespace Strata;

/// <summary>Runs in the background when woken, and again after a while as long as something is left.</summary>
internal sealed class JournalSettler : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    private readonly Func<CancellationToken, ValueTask<bool>> _settle;
    private readonly ITimer _timer;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private Task _run = Task.CompletedTask;
    private State _state;

    /// <param name="settle">Finishes what can be finished; true: nothing is left.</param>
    /// <param name="clock">The clock.</param>
    public JournalSettler(Func<CancellationToken, ValueTask<bool>> settle, TimeProvider clock)
    {
        _settle = settle;
        _timer = clock.CreateTimer(static settler => ((JournalSettler)settler!).Begin(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private enum State
    {
        Idle,

        /// <summary>The timer is set.</summary>
        Armed,

        Running,
        Closed,
    }

    /// <summary>There is something to finish.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            // What fails is not tried again at once: a run looks at all, and sets the timer where something is left.
            if (_state == State.Idle) Run();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task run;
        lock (_gate)
        {
            if (_state == State.Closed) return;
            _state = State.Closed;
            run = _run;
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        await _closing.CancelAsync().ConfigureAwait(false);
        await run.ConfigureAwait(false);
        _closing.Dispose();
    }

    private void Begin()
    {
        lock (_gate)
        {
            if (_state == State.Armed) Run();
        }
    }

    private void Run()
    {
        _state = State.Running;
        _run = Task.Run(RunAsync);
    }

    private async Task RunAsync()
    {
        bool isDone = false;
        try
        {
            isDone = await _settle(_closing.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            return;
        }
        finally
        {
            lock (_gate)
            {
                if (_state == State.Running)
                {
                    _state = isDone ? State.Idle : State.Armed;
                    if (!isDone) _timer.Change(Pause, Timeout.InfiniteTimeSpan);
                }
            }
        }
    }
}
