using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// What happens to a message from its enqueuing to its end: each step is one atomic write that checks the message's entry,
/// so that of several who try one succeeds. docs/formats/kv-queue.md
/// </summary>
internal sealed class QueueTransitions(IKvDatabase database, QueueKeys keys, string name, TimeProvider clock, ILogger log)
{
    private static readonly TimeSpan Unreadable = TimeSpan.FromHours(1);

    private DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>Takes a message that is due, by moving it to the end of a lease; one that was delivered often enough is given up instead.</summary>
    /// <returns>Null: it is not to be handled, or somebody else has it.</returns>
    public async Task<QueueDelivery?> TryTakeAsync(KvEntry entry, TimeSpan lease, CancellationToken stop)
    {
        var check = new KvCheck(entry.Key, entry.Versionstamp);
        QueueRecord record;
        try
        {
            record = QueueRecord.Read(entry.Value.Data);
        }
        catch (InvalidDataException e)
        {
            log.LogError(e, "Message {Id} of queue '{Queue}' cannot be read; it is looked at again in an hour", QueueKeys.IdOf(entry.Key), name);
            await TryCommitAsync(check, [KvMutation.Delete(entry.Key), KvMutation.Set(keys.Moved(entry.Key, Now + Unreadable), entry.Value)], stop).ConfigureAwait(false);
            return null;
        }

        if (record.Deliveries > record.Backoff.Count)
        {
            QueueRecord last = record.Error.Length > 0 ? record : record with { Error = "The process of its handler ended, each time." };
            await TryCommitAsync(check, GiveUp(entry.Key, last), stop).ConfigureAwait(false);
            return null;
        }

        DateTimeOffset until = Now + lease;
        QueueRecord taken = record with { Deliveries = record.Deliveries + 1 };
        byte[] key = keys.Moved(entry.Key, until);
        CommitResult result = await TryCommitAsync(check, [KvMutation.Delete(entry.Key), KvMutation.Set(key, taken.Write())], stop).ConfigureAwait(false);
        return result.IsCommitted ? new QueueDelivery(key, result.Versionstamp, taken, until) : null;
    }

    /// <summary>Removes an entry from among the messages that no queue wrote: it would stand before all others for ever.</summary>
    public async Task RemoveAsync(KvEntry entry, CancellationToken stop)
    {
        log.LogError("An entry among the messages of queue '{Queue}' has a key that no queue writes: {Key}; it is removed", name, Convert.ToHexStringLower(entry.Key.Span));
        await TryCommitAsync(new KvCheck(entry.Key, entry.Versionstamp), [KvMutation.Delete(entry.Key)], stop).ConfigureAwait(false);
    }

    /// <summary>What puts a message back as if it had not been delivered.</summary>
    public IReadOnlyList<KvMutation> SendBack(ReadOnlyMemory<byte> key, QueueRecord record) => PutOff(key, record with { Deliveries = Math.Max(0, record.Deliveries - 1) }, TimeSpan.Zero);

    /// <summary>What puts a message off whose handler failed, or gives it up after the last attempt.</summary>
    /// <param name="key">Where it lies.</param>
    /// <param name="record">The message.</param>
    /// <param name="error">What the handler failed with.</param>
    public IReadOnlyList<KvMutation> Fail(ReadOnlyMemory<byte> key, QueueRecord record, string error)
    {
        QueueRecord failed = record with { Error = error };

        // What was enqueued has room for it; what others wrote here may have none.
        if (failed.Write().Data.Length > database.Capabilities.Limits.MaxValueBytes) failed = failed with { Error = "" };
        return record.Deliveries > record.Backoff.Count ? GiveUp(key, failed) : PutOff(key, failed, record.Backoff[Math.Max(0, record.Deliveries - 1)]);
    }

    /// <summary>Does a step if the message is still where it was.</summary>
    public ValueTask<CommitResult> TryCommitAsync(KvCheck check, IReadOnlyList<KvMutation> mutations, CancellationToken stop) =>
        database.AtomicWriteAsync(new AtomicWrite { Checks = [check], Mutations = mutations }, stop);

    private IReadOnlyList<KvMutation> PutOff(ReadOnlyMemory<byte> key, QueueRecord next, TimeSpan wait) =>
        [KvMutation.Delete(key), KvMutation.Set(keys.Moved(key, Now + wait), next.Write()), KvMutation.Set(keys.Bell, KvValue.OfBytes(default))];

    private IReadOnlyList<KvMutation> GiveUp(ReadOnlyMemory<byte> key, QueueRecord record)
    {
        log.LogError("Message {Id} of queue '{Queue}' is given up after {Attempts} attempts: {Error}", QueueKeys.IdOf(key), name, record.Deliveries, record.Error);
        return record.KeysIfUndelivered.Count > 0
            ? [KvMutation.Delete(key), .. record.KeysIfUndelivered.Select(k => KvMutation.Set(k, record.Value))]
            : [KvMutation.Delete(key), KvMutation.Set(keys.DeadLetter(key), (record with { GivenUp = Now }).Write())];
    }
}
