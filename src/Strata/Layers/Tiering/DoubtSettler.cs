namespace Strata;

/// <summary>Clears keys up when their doubt is over; what fails is tried again.</summary>
internal sealed class DoubtSettler : IAsyncDisposable
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(10);
    private readonly Doubts _doubts;
    private readonly Func<BlobKey, CancellationToken, ValueTask> _settle;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private Task _run = Task.CompletedTask;
    private State _state;

    public DoubtSettler(Doubts doubts, Func<BlobKey, CancellationToken, ValueTask> settle, TimeProvider clock)
    {
        _doubts = doubts;
        _settle = settle;
        _clock = clock;
        _timer = clock.CreateTimer(static settler => ((DoubtSettler)settler!).Begin(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private enum State
    {
        Idle,
        Armed,
        Running,
        Closed,
    }

    /// <summary>Sees to it that it runs when the next doubt is over.</summary>
    public void Arm()
    {
        lock (_gate)
        {
            // A later doubt ends later, and a run looks again at its end.
            if (_state != State.Idle || _doubts.NextEnd is not { } end) return;
            Arm(end - _clock.GetUtcNow());
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

    private void Arm(TimeSpan delay)
    {
        _state = State.Armed;
        _timer.Change(delay > TimeSpan.FromMilliseconds(1) ? delay : TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }

    private void Begin()
    {
        lock (_gate)
        {
            if (_state != State.Armed) return;
            _state = State.Running;
            _run = RunAsync();
        }
    }

    private async Task RunAsync()
    {
        // Off the thread that holds the gate.
        await Task.Yield();
        bool hasFailed = false;
        foreach (BlobKey key in _doubts.Over())
        {
            try
            {
                await _settle(key, _closing.Token).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                if (_closing.IsCancellationRequested) break;
                hasFailed = true;
                _doubts.NoteError(key, e);
            }
        }

        lock (_gate)
        {
            if (_state != State.Running) return;
            _state = State.Idle;
            if (_doubts.NextEnd is not { } end) return;
            TimeSpan next = end - _clock.GetUtcNow();
            Arm(hasFailed && next < RetryDelay ? RetryDelay : next);
        }
    }
}
