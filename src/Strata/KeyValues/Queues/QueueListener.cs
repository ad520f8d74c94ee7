using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Takes due messages of a queue by moving each to the end of a lease, which one atomic write does for one listener alone;
/// handles them side by side; and acknowledges, puts off or gives up what came of it.
/// </summary>
internal sealed class QueueListener(
    IKvDatabase database,
    QueueKeys keys,
    string name,
    Func<QueueMessage, CancellationToken, Task> handler,
    QueueListenOptions options,
    TimeProvider clock,
    ILogger log)
{
    /// <summary>How many messages are looked at together.</summary>
    private const int MostAtOnce = 100;

    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1), LongestWait = TimeSpan.FromMinutes(1);
    private readonly QueueTransitions _transitions = new(database, keys, name, clock, log);
    private readonly Lock _latch = new();
    private readonly HashSet<Task> _running = [];
    private TaskCompletionSource _wake = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private DateTimeOffset Now => clock.GetUtcNow();

    private int Free
    {
        get
        {
            lock (_latch) return options.Concurrency - _running.Count;
        }
    }

    public async Task RunAsync(CancellationToken stop)
    {
        using var handling = new CancellationTokenSource();
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task watch = WatchAsync(watching.Token);
        try
        {
            while (true)
            {
                // Before looking: what comes after is told by it.
                Task woken = Woken();
                TimeSpan wait = await TryTakeDueAsync(handling.Token, stop).ConfigureAwait(false);
                if (wait > TimeSpan.Zero) await WaitAsync(woken, wait, stop).ConfigureAwait(false);
                else stop.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // It is stopped.
        }
        finally
        {
            await watching.CancelAsync().ConfigureAwait(false);
            await watch.ConfigureAwait(false);
            await DrainAsync(handling).ConfigureAwait(false);
        }
    }

    private async Task DrainAsync(CancellationTokenSource handling)
    {
        Task[] running;
        lock (_latch) running = [.. _running];
        try
        {
            await Task.WhenAll(running).WaitAsync(options.DrainTimeout, clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await handling.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(running).ConfigureAwait(false);
        }
    }

    /// <summary>Wakes the listener when somebody enqueues.</summary>
    private async Task WatchAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await foreach (WatchUpdate _ in database.WatchAsync([keys.Bell], stop).ConfigureAwait(false)) Wake();
                return;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.Closed)
            {
                // Whoever takes messages finds it out too, and tells.
                Wake();
                return;
            }
            catch (StorageException e)
            {
                log.LogWarning(e, "Queue '{Queue}' cannot be watched; it is tried again", name);
                await WaitAsync(Task.Delay(Timeout.InfiniteTimeSpan, stop), Retry, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    /// <returns>How long there is nothing to do, unless the listener is woken.</returns>
    private async Task<TimeSpan> TryTakeDueAsync(CancellationToken handling, CancellationToken stop)
    {
        try
        {
            return await TakeDueAsync(handling, stop).ConfigureAwait(false);
        }
        catch (StorageException e) when (e.Kind != StorageErrorKind.Closed)
        {
            log.LogWarning(e, "Messages of queue '{Queue}' cannot be taken; it is tried again", name);
            return Retry;
        }
    }

    private async Task<TimeSpan> TakeDueAsync(CancellationToken handling, CancellationToken stop)
    {
        int free = Free;
        if (free <= 0) return LongestWait;
        int limit = Math.Min(free + 1, MostAtOnce);
        IReadOnlyList<KvEntry> found = (await database.SnapshotReadAsync([keys.MessagesUntil(null, limit)], null, stop).ConfigureAwait(false))[0].Entries;
        foreach (KvEntry entry in found)
        {
            if (!keys.IsMessage(entry.Key))
            {
                await _transitions.RemoveAsync(entry, stop).ConfigureAwait(false);
                continue;
            }

            TimeSpan wait = keys.DueOf(entry.Key) - Now;
            if (wait > TimeSpan.Zero) return wait < LongestWait ? wait : LongestWait;
            if (free == 0) return LongestWait;
            if (await _transitions.TryTakeAsync(entry, options.Lease, stop).ConfigureAwait(false) is not { } delivery) continue;
            free--;
            Begin(delivery, handling);
        }

        return found.Count < limit ? LongestWait : TimeSpan.Zero;
    }

    private void Begin(QueueDelivery delivery, CancellationToken handling)
    {
        lock (_latch)
        {
            Task task = Task.Run(() => HandleAsync(delivery, handling), CancellationToken.None);
            _running.Add(task);
            _ = task.ContinueWith(End, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private void End(Task task)
    {
        lock (_latch) _running.Remove(task);
        Wake();
    }

    private async Task HandleAsync(QueueDelivery delivery, CancellationToken handling)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(handling);
        using var renewing = new CancellationTokenSource();
        Task renewal = RenewAsync(delivery, ends, renewing.Token);
        Exception? failure = null;
        try
        {
            await handler(delivery.Message, ends.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            failure = e;
        }

        await renewing.CancelAsync().ConfigureAwait(false);
        await renewal.ConfigureAwait(false);
        bool isSentBack = failure is OperationCanceledException && handling.IsCancellationRequested;
        await EndAsync(delivery, isSentBack, failure).ConfigureAwait(false);
    }

    /// <summary>Keeps the message as long as its handler is at work.</summary>
    private async Task RenewAsync(QueueDelivery delivery, CancellationTokenSource handling, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(options.Lease / 3, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false))
            {
                DateTimeOffset until = Now + options.Lease;
                byte[] to = keys.Moved(delivery.Key, until);
                bool isHeld = await TryMoveAsync(delivery, to, until).ConfigureAwait(false);
                if (isHeld || (!delivery.IsLost && Now < delivery.LeaseEnds)) continue;
                delivery.IsLost = true;
                log.LogWarning("Message {Id} of queue '{Queue}' is not this listener's any more: its lease could not be renewed; its handler is cancelled", delivery.Message.Id, name);
                await handling.CancelAsync().ConfigureAwait(false);
                return;
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Its handler has ended.
        }
    }

    private async Task<bool> TryMoveAsync(QueueDelivery delivery, byte[] to, DateTimeOffset until)
    {
        try
        {
            await ResolveAsync(delivery).ConfigureAwait(false);
            if (delivery.IsLost) return false;
            CommitResult result = await _transitions.TryCommitAsync(delivery.Check, [KvMutation.Delete(delivery.Key), KvMutation.Set(to, delivery.Record.Write())], CancellationToken.None).ConfigureAwait(false);
            if (result.IsCommitted) delivery.Moved(to, result.Versionstamp, until);
            else delivery.IsLost = true;
            return result.IsCommitted;
        }
        catch (StorageException e)
        {
            if (e.Outcome == WriteOutcome.Unknown) delivery.MayHaveMoved(to);
            log.LogWarning(e, "The lease of message {Id} of queue '{Queue}' could not be renewed; it is tried again", delivery.Message.Id, name);
            return false;
        }
    }

    /// <summary>Finds out where a message lies after a write whose outcome is unknown.</summary>
    private async Task ResolveAsync(QueueDelivery delivery)
    {
        if (delivery.MaybeAt is not { } doubt) return;
        IReadOnlyList<KvRange> found = await database.SnapshotReadAsync([ReadRange.Of(delivery.Key), ReadRange.Of(doubt)], null, CancellationToken.None).ConfigureAwait(false);
        if (found[1].Entries is [var moved]) delivery.Moved(doubt, moved.Versionstamp, keys.DueOf(doubt));
        else if (found[0].Entries is [var there] && there.Versionstamp == delivery.Stamp) delivery.Moved(delivery.Key, delivery.Stamp, delivery.LeaseEnds);
        else delivery.IsLost = true;
    }

    /// <summary>Writes down what came of a message; tries again as long as the lease lasts.</summary>
    private async Task EndAsync(QueueDelivery delivery, bool isSentBack, Exception? failure)
    {
        if (failure is not null && !isSentBack) log.LogWarning(failure, "The handler of message {Id} of queue '{Queue}' failed at attempt {Attempt}", delivery.Message.Id, name, delivery.Record.Deliveries);
        while (!delivery.IsLost)
        {
            try
            {
                await ResolveAsync(delivery).ConfigureAwait(false);
                if (delivery.IsLost) break;
                CommitResult result = await _transitions.TryCommitAsync(delivery.Check, OutcomeOf(delivery, isSentBack, failure), CancellationToken.None).ConfigureAwait(false);
                if (result.IsCommitted) return;
                break;
            }
            catch (StorageException e) when (e.Kind != StorageErrorKind.Closed && Now < delivery.LeaseEnds)
            {
                // Where the write is in doubt, and was applied, the next attempt finds the message gone: the same end.
                log.LogWarning(e, "What came of message {Id} of queue '{Queue}' could not be written; it is tried again", delivery.Message.Id, name);
                await Task.Delay(Retry, clock, CancellationToken.None).ConfigureAwait(false);
            }
            catch (StorageException e)
            {
                log.LogWarning(e, "What came of message {Id} of queue '{Queue}' could not be written; it will be delivered again", delivery.Message.Id, name);
                return;
            }
        }

        log.LogWarning("Message {Id} of queue '{Queue}' had gone to another listener when its handler ended; it may be handled twice", delivery.Message.Id, name);
    }

    private IReadOnlyList<KvMutation> OutcomeOf(QueueDelivery delivery, bool isSentBack, Exception? failure) =>
        failure is null ? [KvMutation.Delete(delivery.Key)]
        : isSentBack ? _transitions.SendBack(delivery.Key, delivery.Record)
        : _transitions.Fail(delivery.Key, delivery.Record, $"{failure.GetType().Name}: {failure.Message}");

    private Task Woken()
    {
        lock (_latch)
        {
            if (_wake.Task.IsCompleted) _wake = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _wake.Task;
        }
    }

    private void Wake()
    {
        lock (_latch) _wake.TrySetResult();
    }

    private async Task WaitAsync(Task signal, TimeSpan most, CancellationToken stop)
    {
        try
        {
            await signal.WaitAsync(most, clock, stop).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // It is time to look.
        }
        catch (OperationCanceledException) when (signal.IsCanceled)
        {
            // Whoever waits looks at its own token.
        }
    }
}
