namespace Strata.Testing;

/// <summary>A closed gate at which a <see cref="LatencyStore"/> holds calls until the test opens it.</summary>
public sealed class StoreGate : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<(int Count, TaskCompletionSource Reached)> _waiters = [];
    private int _arrived;

    internal StoreGate(Func<StoreCall, bool> when, CallMoment moment)
    {
        When = when;
        Moment = moment;
    }

    /// <summary>Calls that have come to the gate so far, those that went on included.</summary>
    public int Arrived
    {
        get
        {
            lock (_lock) return _arrived;
        }
    }

    /// <summary>True once <see cref="Open"/> was called.</summary>
    public bool IsOpen => _opened.Task.IsCompleted;

    internal Func<StoreCall, bool> When { get; }

    internal CallMoment Moment { get; }

    /// <summary>Completes when <paramref name="calls"/> calls have come to the gate.</summary>
    /// <exception cref="TimeoutException">They had not within a minute of real time.</exception>
    public async Task WaitForArrivalAsync(int calls = 1, CancellationToken cancellationToken = default)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_arrived >= calls) return;
            _waiters.Add((calls, reached));
        }

        try
        {
            await reached.Task.WaitAsync(Patience, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"Within {Patience} of real time {Arrived} of {calls} calls came to the gate.", e);
        }
    }

    /// <summary>Lets those that wait go on, and all later ones pass.</summary>
    public void Open() => _opened.TrySetResult();

    /// <summary>Opens the gate, so that a test that fails leaves no call behind.</summary>
    public void Dispose() => Open();

    internal Task PassAsync(CancellationToken cancellationToken)
    {
        if (IsOpen) return Task.CompletedTask;
        lock (_lock)
        {
            _arrived++;
            foreach ((int count, TaskCompletionSource reached) in _waiters.Where(w => w.Count <= _arrived)) reached.TrySetResult();
            _waiters.RemoveAll(w => w.Count <= _arrived);
        }

        return _opened.Task.WaitAsync(cancellationToken);
    }
}
