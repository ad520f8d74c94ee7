using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Messages for handlers that are elsewhere: taken for a lease, which the handler renews, and ended by a receipt. Nothing is
/// remembered here: the receipt says where the message lies, so that it holds after a restart and in any process. Who takes
/// a message and is not heard of again has it no longer when the lease ends.
/// </summary>
internal sealed class QueueLeases(IKvDatabase database, QueueKeys keys, string name, StoreContext context)
{
    /// <summary>Bytes of the messages that are taken together, but for the last one.</summary>
    private const int MostBytes = 1 << 20;

    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);
    private readonly TimeProvider _clock = context.Clock;
    private readonly ILogger _log = context.Loggers.CreateLogger<KvQueue>();
    private readonly QueueTransitions _transitions = new(database, keys, name, context.Clock, context.Loggers.CreateLogger<KvQueue>());

    private DateTimeOffset Now => _clock.GetUtcNow();

    /// <summary>Takes messages that are due; where there is none, waits for the first.</summary>
    /// <param name="most">How many at most.</param>
    /// <param name="lease">How long they are the caller's.</param>
    /// <param name="wait">How long it waits.</param>
    /// <param name="stop">Ends the wait; what has been taken by then is returned.</param>
    /// <exception cref="StorageException">The database cannot be read or written.</exception>
    public async Task<IReadOnlyList<QueueDelivery>> TakeAsync(int most, TimeSpan lease, TimeSpan wait, CancellationToken stop)
    {
        DateTimeOffset end = Now + wait;
        (IReadOnlyList<QueueDelivery> taken, TimeSpan quiet) = await TakeDueAsync(most, lease, stop).ConfigureAwait(false);
        if (taken.Count > 0 || wait == TimeSpan.Zero) return taken;
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(stop);
        IAsyncEnumerator<WatchUpdate> bell = database.WatchAsync([keys.Bell], watching.Token).GetAsyncEnumerator(watching.Token);
        Task<bool>? rung = null;
        try
        {
            // The bell rings at once when it is first listened to: nothing that came meanwhile is missed.
            while (!stop.IsCancellationRequested)
            {
                rung ??= bell.MoveNextAsync().AsTask();
                TimeSpan left = end - Now;
                if (await IsRungAsync(rung, left < quiet ? left : quiet, stop).ConfigureAwait(false)) rung = null;
                (taken, quiet) = await TakeDueAsync(most, lease, stop).ConfigureAwait(false);
                if (taken.Count > 0 || Now >= end) return taken;
            }

            return taken;
        }
        finally
        {
            await watching.CancelAsync().ConfigureAwait(false);
            if (rung is not null) await rung.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
            await bell.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Ends a message: it has been handled.</summary>
    /// <returns>False: the receipt is worth nothing, as the message has been ended, or somebody else has it.</returns>
    public async Task<bool> AcknowledgeAsync(QueueReceipt receipt) =>
        (await _transitions.TryCommitAsync(receipt.Check, [KvMutation.Delete(receipt.Key)], CancellationToken.None).ConfigureAwait(false)).IsCommitted;

    /// <summary>Keeps a message for another lease, from now on.</summary>
    /// <returns>The receipt that counts from now on; null: this one is worth nothing.</returns>
    public async Task<(QueueReceipt Receipt, DateTimeOffset LeaseEnds)?> RenewAsync(QueueReceipt receipt, TimeSpan lease)
    {
        if (await ReadAsync(receipt).ConfigureAwait(false) is not { } entry) return null;
        DateTimeOffset until = Now + lease;
        byte[] to = keys.Moved(receipt.Key, until);

        // A lease that is shorter than the one it had may end at the same millisecond.
        IReadOnlyList<KvMutation> moves = receipt.Key.Span.SequenceEqual(to) ? [KvMutation.Set(to, entry.Value)] : [KvMutation.Delete(receipt.Key), KvMutation.Set(to, entry.Value)];
        CommitResult result = await _transitions.TryCommitAsync(receipt.Check, moves, CancellationToken.None).ConfigureAwait(false);
        return result.IsCommitted ? (new QueueReceipt(to, result.Versionstamp), until) : null;
    }

    /// <summary>Puts a message off, as its handler failed, or gives it up after the last attempt.</summary>
    /// <returns>False: the receipt is worth nothing.</returns>
    public Task<bool> FailAsync(QueueReceipt receipt, string error) => EndAsync(receipt, record => _transitions.Fail(receipt.Key, record, error));

    /// <summary>Puts a message back as if it had not been delivered.</summary>
    /// <returns>False: the receipt is worth nothing.</returns>
    public Task<bool> SendBackAsync(QueueReceipt receipt) => EndAsync(receipt, record => _transitions.SendBack(receipt.Key, record));

    private async Task<bool> EndAsync(QueueReceipt receipt, Func<QueueRecord, IReadOnlyList<KvMutation>> transition)
    {
        if (await ReadAsync(receipt).ConfigureAwait(false) is not { } entry) return false;
        QueueRecord record;
        try
        {
            record = QueueRecord.Read(entry.Value.Data);
        }
        catch (InvalidDataException e)
        {
            throw new StorageException(StorageErrorKind.Corrupt, e.Message, e) { Store = database.Capabilities.Database, Operation = "dequeue" };
        }

        return (await _transitions.TryCommitAsync(receipt.Check, transition(record), CancellationToken.None).ConfigureAwait(false)).IsCommitted;
    }

    private async Task<KvEntry?> ReadAsync(QueueReceipt receipt)
    {
        IReadOnlyList<KvRange> found = await database.SnapshotReadAsync([ReadRange.Of(receipt.Key)], null, CancellationToken.None).ConfigureAwait(false);
        return found[0].Entries is [var entry] && entry.Versionstamp == receipt.Stamp ? entry : null;
    }

    /// <returns>What was taken, and for how long there will be nothing to take unless the bell rings.</returns>
    private async Task<(IReadOnlyList<QueueDelivery> Taken, TimeSpan Quiet)> TakeDueAsync(int most, TimeSpan lease, CancellationToken stop)
    {
        List<QueueDelivery> taken = [];
        int limit = most + 1, bytes = 0;
        try
        {
            while (true)
            {
                IReadOnlyList<KvEntry> found = (await database.SnapshotReadAsync([keys.MessagesUntil(null, limit)], null, CancellationToken.None).ConfigureAwait(false))[0].Entries;
                foreach (KvEntry entry in found)
                {
                    if (!keys.IsMessage(entry.Key))
                    {
                        await _transitions.RemoveAsync(entry, CancellationToken.None).ConfigureAwait(false);
                        continue;
                    }

                    TimeSpan wait = keys.DueOf(entry.Key) - Now;
                    if (wait > TimeSpan.Zero) return (taken, wait < LongestWait ? wait : LongestWait);
                    if (taken.Count == most || bytes >= MostBytes || stop.IsCancellationRequested) return (taken, TimeSpan.Zero);
                    if (await _transitions.TryTakeAsync(entry, lease, CancellationToken.None).ConfigureAwait(false) is not { } delivery) continue;
                    taken.Add(delivery);
                    bytes += delivery.Record.Value.Data.Length;
                }

                // Where others have taken all that was seen, there may be more behind it.
                if (found.Count < limit || taken.Count > 0) return (taken, LongestWait);
            }
        }
        catch (StorageException e) when (taken.Count > 0)
        {
            _log.LogWarning(e, "Not all messages of queue '{Queue}' that were asked for could be taken", name);
            return (taken, TimeSpan.Zero);
        }
    }

    private async Task<bool> IsRungAsync(Task<bool> rung, TimeSpan most, CancellationToken stop)
    {
        try
        {
            await rung.WaitAsync(most > TimeSpan.Zero ? most : TimeSpan.Zero, _clock, stop).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return false;
        }
    }
}
