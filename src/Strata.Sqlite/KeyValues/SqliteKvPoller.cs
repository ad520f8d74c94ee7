using Microsoft.Extensions.Logging;

namespace Strata.Sqlite;

/// <summary>Looks whether another process has written, while somebody watches; for half of the time at most, however many keys are watched.</summary>
/// <param name="look">Looks once, and tells those who watch.</param>
/// <param name="interval">From one look to the next; a look that takes longer leaves some out.</param>
/// <param name="timers">What measures that.</param>
/// <param name="log">For what fails.</param>
internal sealed class SqliteKvPoller(Func<ValueTask> look, TimeSpan interval, TimeProvider timers, ILogger log) : IAsyncDisposable
{
    private readonly Lock _latch = new();
    private ITimer? _timer;
    private Task _look = Task.CompletedTask;
    private int _watching;
    private TimeSpan _took;
    private long _ended;
    private bool _isClosed, _hasFailed;

    /// <summary>Somebody watches from now on.</summary>
    public void Enter()
    {
        lock (_latch)
        {
            if (++_watching == 1 && !_isClosed) _timer = timers.CreateTimer(static state => ((SqliteKvPoller)state!).Look(), this, interval, interval);
        }
    }

    /// <summary>Somebody watches no longer.</summary>
    public void Exit()
    {
        lock (_latch)
        {
            if (--_watching == 0) Stop();
        }
    }

    /// <summary>No look begins any more, and the one under way is over.</summary>
    public async ValueTask DisposeAsync()
    {
        Task last;
        lock (_latch)
        {
            _isClosed = true;
            Stop();
            last = _look;
        }

        await last.ConfigureAwait(false);
    }

    private void Stop()
    {
        _timer?.Dispose();
        _timer = null;
    }

    private void Look()
    {
        lock (_latch)
        {
            if (_timer is not null && _look.IsCompleted && timers.GetElapsedTime(_ended) >= _took) _look = LookAsync();
        }
    }

    private async Task LookAsync()
    {
        long began = timers.GetTimestamp();
        try
        {
            await look().ConfigureAwait(false);
            _hasFailed = false;
        }
        catch (StorageException e)
        {
            // Once, not at every look.
            if (!_hasFailed) log.LogWarning(e, "Cannot see whether other processes have written to '{Store}'; it is tried again", e.Store);
            _hasFailed = true;
        }
        finally
        {
            (_took, _ended) = (timers.GetElapsedTime(began), timers.GetTimestamp());
        }
    }
}
