using Microsoft.Extensions.Logging;

namespace Strata.Sqlite;

/// <summary>
/// Removes what has expired, for its room and so that no crash with a clock set back revives it: a second or so after it is
/// due, in small transactions, between which writes go on.
/// </summary>
/// <param name="thread">What writes.</param>
/// <param name="writer">The writer.</param>
/// <param name="clock">What time it is.</param>
/// <param name="timers">What measures it.</param>
/// <param name="log">For what fails.</param>
internal sealed class SqliteKvSweeper(SqliteThread thread, SqliteKvWriter writer, RisingClock clock, TimeProvider timers, ILogger log) : IAsyncDisposable
{
    private const int Batch = 500;

    /// <summary>From one round to the next at least; after a failure; and at most, for clocks that are set.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1), Retry = TimeSpan.FromMinutes(1), Longest = TimeSpan.FromHours(1);

    private readonly Lock _latch = new();
    private ITimer? _timer;
    private Task _round = Task.CompletedTask;
    private DateTimeOffset _due = DateTimeOffset.MaxValue;
    private bool _isClosed;

    /// <summary>Something expires at this time.</summary>
    public void Arm(DateTimeOffset expires)
    {
        lock (_latch)
        {
            if (_isClosed || expires >= _due) return;
            _due = expires;
            TimeSpan wait = expires - clock.Now;
            wait = wait < Pause ? Pause : wait > Longest ? Longest : wait;
            _timer ??= timers.CreateTimer(static state => ((SqliteKvSweeper)state!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _timer.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>No round begins any more, and the one under way is over.</summary>
    public async ValueTask DisposeAsync()
    {
        Task round;
        lock (_latch)
        {
            _isClosed = true;
            round = _round;
        }

        if (_timer is { } timer) await timer.DisposeAsync().ConfigureAwait(false);
        await round.ConfigureAwait(false);
    }

    private void Fire()
    {
        lock (_latch)
        {
            if (_isClosed) return;
            _due = DateTimeOffset.MaxValue;
            _round = SweepAfterAsync(_round);
        }
    }

    private async Task SweepAfterAsync(Task before)
    {
        await before.ConfigureAwait(false);
        try
        {
            bool isMore = true;
            DateTimeOffset? next = null;
            while (isMore && !Volatile.Read(ref _isClosed)) await thread.RunAsync(() => (isMore, next) = (writer.RemoveExpired(Batch), writer.NextExpiry())).ConfigureAwait(false);
            if (next is { } expires) Arm(expires);
        }
        catch (StorageException e)
        {
            log.LogWarning(e, "Cannot remove expired entries of '{Store}'; nobody sees them, and it is tried again", e.Store);
            Arm(clock.Now + Retry);
        }
    }
}
