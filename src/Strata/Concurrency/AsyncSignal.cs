namespace Strata;

/// <summary>Wakes one waiter; set while nobody waits, it wakes the next at once.</summary>
internal sealed class AsyncSignal
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _waiting;
    private bool _isSet;

    public void Set()
    {
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            waiting = _waiting;
            _waiting = null;
            _isSet = waiting is null;
        }

        waiting?.TrySetResult();
    }

    /// <summary>Waits until it is set, or for a time.</summary>
    public async ValueTask WaitAsync(TimeSpan most, TimeProvider clock)
    {
        TaskCompletionSource waiting;
        lock (_gate)
        {
            if (_isSet)
            {
                _isSet = false;
                return;
            }

            waiting = _waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        using ITimer timer = clock.CreateTimer(static state => ((TaskCompletionSource)state!).TrySetResult(), waiting, most, Timeout.InfiniteTimeSpan);
        await waiting.Task.ConfigureAwait(false);
    }
}
