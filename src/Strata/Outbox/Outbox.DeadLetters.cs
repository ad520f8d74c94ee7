using System.Runtime.CompilerServices;

namespace Strata;

/// <content>Intents that were given up. A new change of such a key is sent as any other, and ends its dead letter.</content>
public sealed partial class Outbox
{
    /// <summary>The dead letters, in the order of their keys.</summary>
    public async IAsyncEnumerable<OutboxDeadLetter> ListDeadLettersAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (KvEntry row in EntriesAsync(_keys.DeadLettersFrom(null, PageSize), cancellationToken).ConfigureAwait(false)) yield return ToDeadLetter(row);
    }

    /// <summary>A key's dead letter; null: it has none.</summary>
    public async ValueTask<OutboxDeadLetter?> FindDeadLetterAsync(string key, CancellationToken cancellationToken = default) =>
        await FindAsync(key, cancellationToken).ConfigureAwait(false) is { } row ? ToDeadLetter(row) : null;

    /// <summary>Makes a dead letter an intent again, with all its attempts before it.</summary>
    /// <returns>False: the key has none.</returns>
    public async ValueTask<bool> ReplayAsync(string key, CancellationToken cancellationToken = default) =>
        await FindAsync(key, cancellationToken).ConfigureAwait(false) is { } row
        && await TryEndAsync(row, Intend(key, OutboxEntry.Read(row.Value.Data).Data), cancellationToken).ConfigureAwait(false);

    /// <summary>Removes a dead letter: the target goes without that state.</summary>
    /// <returns>False: the key has none.</returns>
    public async ValueTask<bool> DiscardAsync(string key, CancellationToken cancellationToken = default) =>
        await FindAsync(key, cancellationToken).ConfigureAwait(false) is { } row && await TryEndAsync(row, [], cancellationToken).ConfigureAwait(false);

    private async ValueTask<bool> TryEndAsync(KvEntry row, IReadOnlyList<KvMutation> instead, CancellationToken cancellationToken)
    {
        var write = new AtomicWrite { Checks = [new KvCheck(row.Key, row.Versionstamp)], Mutations = [KvMutation.Delete(row.Key), .. instead] };
        return (await _database.AtomicWriteAsync(write, cancellationToken).ConfigureAwait(false)).IsCommitted;
    }

    private async ValueTask<KvEntry?> FindAsync(string key, CancellationToken cancellationToken)
    {
        OutboxKeys.Check(key);
        IReadOnlyList<KvRange> found = await _database.SnapshotReadAsync([ReadRange.Of(_keys.DeadLetter(key))], null, cancellationToken).ConfigureAwait(false);
        return found[0].Entries.Count == 0 ? null : found[0].Entries[0];
    }

    private OutboxDeadLetter ToDeadLetter(KvEntry row)
    {
        var entry = OutboxEntry.Read(row.Value.Data);
        return new OutboxDeadLetter(
            _keys.KeyOf(row.Key), entry.Attempts, DateTimeOffset.FromUnixTimeMilliseconds(entry.Enqueued), DateTimeOffset.FromUnixTimeMilliseconds(entry.Time), entry.Error, entry.Data);
    }
}
