using System.Runtime.CompilerServices;

namespace Strata;

/// <content>Which keys the target does not have, dead letters among them: for owners who must not let go of what they hold of those.</content>
public sealed partial class Outbox
{
    /// <summary>Every row of a key; one key may come several times. Nothing must change meanwhile.</summary>
    internal async IAsyncEnumerable<OutboxPending> ListPendingAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (KvEntry row in EntriesAsync(_keys.ChangesFrom(null, PageSize), cancellationToken).ConfigureAwait(false))
            yield return new OutboxPending(_keys.KeyOf(row.Key), At(OutboxChange.Read(row.Value.Data).Enqueued), WasTaken: false, IsDead: false);
        await foreach (KvEntry row in EntriesAsync(_keys.StatesFrom(null, PageSize), cancellationToken).ConfigureAwait(false))
            yield return new OutboxPending(_keys.KeyOf(row.Key), At(OutboxEntry.Read(row.Value.Data).Enqueued), WasTaken: true, IsDead: false);
        await foreach (KvEntry row in EntriesAsync(_keys.DeadLettersFrom(null, PageSize), cancellationToken).ConfigureAwait(false))
            yield return new OutboxPending(_keys.KeyOf(row.Key), At(OutboxEntry.Read(row.Value.Data).Enqueued), WasTaken: true, IsDead: true);
    }

    /// <summary>
    /// Frees what workers hold, so that nobody waits for their leases to run out: for an owner whose rows no other process has, before
    /// its own worker runs. An attempt that was cut short counts.
    /// </summary>
    internal async ValueTask TakeOverAsync(CancellationToken cancellationToken)
    {
        await foreach (KvEntry row in EntriesAsync(_keys.StatesFrom(null, PageSize), cancellationToken).ConfigureAwait(false))
        {
            var entry = OutboxEntry.Read(row.Value.Data);
            if (entry.IsLeased) await _parts.Transitions.TryTakeOverAsync(_keys.KeyOf(row.Key), row.Versionstamp, entry, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Whether there is any row of a key.</summary>
    internal async ValueTask<bool> IsPendingAsync(string key, CancellationToken cancellationToken)
    {
        IReadOnlyList<KvRange> found = await _database.SnapshotReadAsync(
            [ReadRange.Of(_keys.Change(key)), ReadRange.Of(_keys.State(key)), ReadRange.Of(_keys.DeadLetter(key))], null, cancellationToken).ConfigureAwait(false);
        return found.Any(range => range.Entries.Count > 0);
    }

    /// <summary>What this process knows of its sending, without a look at the rows.</summary>
    internal OutboxStatus GetProgress() => _parts.Progress.AddTo(new OutboxStatus());

    private static DateTimeOffset At(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}
