using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Takes intents that are due and sends them side by side: those whose wait is over or whose worker has died in the order of
/// their times, then new changes, round and round by key. What it costs follows what is due.
/// </summary>
internal sealed partial class OutboxWorker(OutboxParts parts, IOutboxTarget target)
{
    private const int LeastPage = 32, MostPage = 500;
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);
    private readonly Lock _latch = new();
    private readonly Dictionary<string, Task> _running = new(StringComparer.Ordinal);
    private TaskCompletionSource _wake = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ReadOnlyMemory<byte>? _next;
    private long _sent;
    private long _lookedForPreparations;

    private OutboxOptions Options => parts.Options;

    private OutboxKeys Keys => parts.Keys;

    private long Now => parts.Clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Sends until it is stopped.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var sending = new CancellationTokenSource();
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task watch = WatchAsync(watching.Token);
        try
        {
            while (true)
            {
                stop.ThrowIfCancellationRequested();

                // Before looking: what comes after is told by it.
                Task woken = Woken();
                TimeSpan wait = await TryTakeAsync(sending.Token, stop).ConfigureAwait(false);
                if (wait > TimeSpan.Zero) await WaitAsync(woken, wait, stop).ConfigureAwait(false);
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
            await DrainAsync(sending).ConfigureAwait(false);
        }
    }

    /// <summary>Sends what is due now, and what comes due while it does.</summary>
    /// <returns>How many the target has now that it had not.</returns>
    public async Task<long> RunOnceAsync(CancellationToken stop)
    {
        using var sending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        try
        {
            while (true)
            {
                Task woken = Woken();
                bool isMore = await TakeAsync(sending.Token, stop).ConfigureAwait(false);
                Task[] running = Running();
                if (running.Length > 0) await Task.WhenAny(running).ConfigureAwait(false);
                else if (!isMore && !woken.IsCompleted) return Interlocked.Read(ref _sent);
                stop.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            await DrainAsync(sending).ConfigureAwait(false);
        }
    }

    private async Task<TimeSpan> TryTakeAsync(CancellationToken sending, CancellationToken stop)
    {
        try
        {
            if (await TakeAsync(sending, stop).ConfigureAwait(false)) return TimeSpan.Zero;
            if (parts.Progress.Outage is { } outage) return outage > TimeSpan.Zero ? outage : Options.PollInterval;
            IReadOnlyList<KvEntry> next = await ReadAsync(Keys.DueAfter(Now), stop).ConfigureAwait(false);
            if (next.Count == 0) return Options.PollInterval;
            var wait = TimeSpan.FromMilliseconds(Math.Max(1, Keys.TimeOf(next[0].Key).Time - Now));
            return wait < Options.PollInterval ? wait : Options.PollInterval;
        }
        catch (Exception e) when (e is StorageException { Kind: not StorageErrorKind.Closed } or InvalidDataException)
        {
            parts.Log.LogWarning(e, "Intents of outbox '{Outbox}' cannot be taken; it is tried again", Options.Label);
            return Retry;
        }
    }

    /// <summary>Takes what is due, up to the limit of what is sent at once.</summary>
    /// <returns>There may be more to take at once.</returns>
    private async Task<bool> TakeAsync(CancellationToken sending, CancellationToken stop)
    {
        int free = Free();
        if (parts.Progress.Outage is { } outage)
        {
            if (outage > TimeSpan.Zero || free < Options.Parallelism) return false;
            free = 1;
        }

        if (free == 0) return false;
        int limit = Math.Clamp(2 * free, LeastPage, Math.Min(MostPage, parts.Database.Capabilities.Limits.MaxEntries));
        await TakePreparationsAsync(limit, stop).ConfigureAwait(false);
        IReadOnlyList<KvRange> times = await parts.Database.SnapshotReadAsync([Keys.DueBy(Now, limit), Keys.DueBeyond(parts.Transitions.LatestDue, limit)], null, stop).ConfigureAwait(false);
        IReadOnlyList<KvEntry> due = times[1].Entries.Count == 0 ? times[0].Entries : [.. times[0].Entries, .. times[1].Entries];
        int taken = 0, seen = 0;
        while (seen < due.Count && taken < free) (taken, seen) = await TakeDueAsync(due, seen, taken, free, sending, stop).ConfigureAwait(false);
        if (taken < free) taken += await TakeChangesAsync(free - taken, limit, sending, stop).ConfigureAwait(false);
        return taken > 0 && parts.Progress.Outage is null && Free() > 0;
    }

    private async ValueTask TakePreparationsAsync(int limit, CancellationToken stop)
    {
        if (parts.Clock.GetElapsedTime(_lookedForPreparations) < Options.PollInterval && _lookedForPreparations != 0) return;
        _lookedForPreparations = parts.Clock.GetTimestamp();
        await parts.Transitions.TakePreparationsAsync(limit, stop).ConfigureAwait(false);
    }

    private async Task<(int Taken, int Seen)> TakeDueAsync(IReadOnlyList<KvEntry> due, int seen, int taken, int free, CancellationToken sending, CancellationToken stop)
    {
        KvEntry[] some = [.. due.Skip(seen).Take(free - taken)];
        bool[] areTaken = await Task.WhenAll(some.Select(async time =>
        {
            string key = Keys.TimeOf(time.Key).Key;
            if (IsRunning(key)) return false;
            if (await TryStartAsync(key, sending, stop).ConfigureAwait(false)) return true;
            await parts.Transitions.RemoveTimeAsync(time, stop).ConfigureAwait(false);
            return false;
        })).ConfigureAwait(false);
        return (taken + areTaken.Count(t => t), seen + some.Length);
    }

    /// <summary>Goes once round the new changes at most, from where it was left.</summary>
    private async Task<int> TakeChangesAsync(int free, int limit, CancellationToken sending, CancellationToken stop)
    {
        int taken = 0;
        ReadOnlyMemory<byte>? first = _next;
        bool hasWrapped = first is null;
        while (taken < free)
        {
            IReadOnlyList<KvEntry> page = await ReadAsync(Keys.ChangesFrom(_next, limit, keysOnly: true), stop).ConfigureAwait(false);
            for (int seen = 0; seen < page.Count && taken < free;)
            {
                KvEntry[] some = [.. page.Skip(seen).Take(free - taken)];
                bool[] areTaken = await Task.WhenAll(some.Select(c => TryStartAsync(Keys.KeyOf(c.Key), sending, stop))).ConfigureAwait(false);
                taken += areTaken.Count(t => t);
                seen += some.Length;
                _next = After(some[^1].Key);
                if (hasWrapped && first is { } start && _next.Value.Span.SequenceCompareTo(start.Span) >= 0) return taken;
            }

            if (page.Count == limit) continue;
            if (taken < free) _next = null;
            if (hasWrapped) return taken;
            hasWrapped = true;
        }

        return taken;
    }

    /// <summary>Takes a key if it can be had, and begins to send it.</summary>
    private async Task<bool> TryStartAsync(string key, CancellationToken sending, CancellationToken stop)
    {
        var place = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_latch)
        {
            if (!_running.TryAdd(key, place.Task)) return false;
        }

        OutboxLease? lease = null;
        try
        {
            OutboxTaken taken = await parts.Transitions.TryTakeAsync(key, stop).ConfigureAwait(false);
            parts.Room.Went(taken.Ended, BytesOf(key, taken.Lease));
            if (taken.IsDead)
            {
                parts.Metrics.Dead();
                if (target is IOutboxConfirmation confirmation) confirmation.GivenUp(key);
            }

            lease = taken.Lease;
        }
        catch (InvalidDataException e)
        {
            parts.Log.LogError(e, "The intent for '{Key}' of outbox '{Outbox}' cannot be read; it is left as it is", key, Options.Label);
        }
        finally
        {
            // Nobody is woken: what cannot be taken now could not be taken again at once either.
            if (lease is null) Leave(key, place);
        }

        if (lease is null) return false;
        _ = SendAsync(lease, place, sending);
        return true;
    }

    private async Task DrainAsync(CancellationTokenSource sending)
    {
        Task[] running = Running();
        try
        {
            await Task.WhenAll(running).WaitAsync(Options.DrainTimeout, parts.Clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await sending.CancelAsync().ConfigureAwait(false);
            await EndAsync(running).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for sends that were told to end, or that end by themselves, and not for ever for those that do not.</summary>
    private async Task EndAsync(Task[] running)
    {
        try
        {
            // By the clock on the wall, whatever the store's own does: a close comes to an end.
            await Task.WhenAll(running).WaitAsync(Options.Grace).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            parts.Log.LogError("{Count} sends of outbox '{Outbox}' do not end though they were cancelled; they are left, and what they sent is sent again", running.Count(send => !send.IsCompleted), Options.Label);
        }
    }

    /// <summary>Wakes the worker when there is a new change.</summary>
    private async Task WatchAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await foreach (WatchUpdate _ in parts.Database.WatchAsync([Keys.Bell], stop).ConfigureAwait(false)) Wake();
                return;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.Closed)
            {
                // Whoever takes intents finds it out too, and tells.
                Wake();
                return;
            }
            catch (StorageException e)
            {
                parts.Log.LogWarning(e, "Outbox '{Outbox}' cannot be watched; it is tried again", Options.Label);
                await WaitAsync(Task.Delay(Timeout.InfiniteTimeSpan, stop), Retry, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Waits for a signal, but not longer than this.</summary>
    private async Task WaitAsync(Task signal, TimeSpan longest, CancellationToken stop)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await Task.WhenAny(signal, Task.Delay(longest, parts.Clock, waiting.Token)).ConfigureAwait(false);
        await waiting.CancelAsync().ConfigureAwait(false);
        stop.ThrowIfCancellationRequested();
    }

    private async ValueTask<IReadOnlyList<KvEntry>> ReadAsync(ReadRange range, CancellationToken stop) =>
        (await parts.Database.SnapshotReadAsync([range], null, stop).ConfigureAwait(false))[0].Entries;

    private static ReadOnlyMemory<byte> After(ReadOnlyMemory<byte> row) => (byte[])[.. row.Span, 0];

    private static long BytesOf(string key, OutboxLease? lease) => OutboxRoom.IntentBytes + key.Length + (lease?.Entry.Data.Length ?? 0);

    private int Free()
    {
        lock (_latch) return Options.Parallelism - _running.Count;
    }

    private bool IsRunning(string key)
    {
        lock (_latch) return _running.ContainsKey(key);
    }

    private Task[] Running()
    {
        lock (_latch) return [.. _running.Values];
    }

    private void End(string key, TaskCompletionSource place)
    {
        Leave(key, place);
        Wake();
    }

    private void Leave(string key, TaskCompletionSource place)
    {
        lock (_latch) _running.Remove(key);
        place.SetResult();
    }

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
}
