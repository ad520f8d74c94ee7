using Microsoft.Extensions.Logging;

namespace Strata.Sqlite;

/// <summary>Looks whether another process has written, while somebody watches.</summary>
/// <param name="look">Looks once, and tells those who watch.</param>
/// <param name="interval">From one look to the next.</param>
/// <param name="timers">What measures that.</param>
/// <param name="log">For what fails.</param>
internal sealed class SqliteKvPoller(Func<CancellationToken, ValueTask> look, TimeSpan interval, TimeProvider timers, ILogger log) : IAsyncDisposable
{
    private readonly Lock _latch = new();
    private CancellationTokenSource? _stop;
    private Task _loop = Task.CompletedTask;
    private int _watching;
    private bool _isClosed;

    /// <summary>Somebody watches from now on.</summary>
    public void Enter()
    {
        lock (_latch)
        {
            if (++_watching > 1 || _isClosed) return;
            _stop = new CancellationTokenSource();
            _loop = PollAsync(_loop, _stop.Token);
        }
    }

    /// <summary>Somebody watches no longer.</summary>
    public void Exit()
    {
        lock (_latch)
        {
            if (--_watching == 0) _stop?.Cancel();
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_latch)
        {
            _isClosed = true;
            _stop?.Cancel();
        }

        await _loop.ConfigureAwait(false);
    }

    private async Task PollAsync(Task before, CancellationToken stop)
    {
        await before.ConfigureAwait(false);
        using var timer = new PeriodicTimer(interval, timers);
        bool failed = false;
        try
        {
            while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false))
            {
                try
                {
                    await look(stop).ConfigureAwait(false);
                    failed = false;
                }
                catch (StorageException e)
                {
                    // Once, not at every look.
                    if (!failed) log.LogWarning(e, "Cannot see whether other processes have written to '{Store}'; it is tried again", e.Store);
                    failed = true;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Nobody watches.
        }
    }
}
