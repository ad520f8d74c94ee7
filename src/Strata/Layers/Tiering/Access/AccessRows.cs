using System.Buffers.Binary;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Keeps a tracker's memory in rows of a database, and which keys are due to be looked at, in the order of their time, so that a
/// tiering run costs what is due and not what is stored. docs/formats/access-rows.md
/// </summary>
/// <remarks>
/// <para>Two tables, each under first bytes of its own: the use of each key, and an empty row for each key under the time at which
/// it is due. Both change in the same atomic write. A key has one row among those that are due; its use moves that row only where
/// it would come up too late. Where it comes up too early it is found out and put where it belongs
/// (<c>SettleAsync</c>): so a key that is used all the time costs a row an <see cref="TieringPolicy.HotFor"/>, not one a use.</para>
/// <para>Every step can be repeated, and broken off between any two writes: a row that was left behind comes up, is compared, and goes.</para>
/// <para>The rows have one owner. Safe for any number of callers at once; those that write wait for each other.</para>
/// </remarks>
internal sealed class AccessRows : IDisposable
{
    private readonly AccessTracker _tracker;
    private readonly TierClassifier _classifier;
    private readonly IKvDatabase _rows;
    private readonly byte[] _uses;
    private readonly byte[] _due;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _gate = new(1);

    /// <summary>Rows of a tracker.</summary>
    /// <param name="tracker">Whose memory they keep.</param>
    /// <param name="classifier">Says when a key that was used can be due.</param>
    /// <param name="rows">Where they lie; it is not disposed.</param>
    /// <param name="uses">The first bytes of the rows of uses.</param>
    /// <param name="due">The first bytes of the rows of what is due: others, and neither the beginning of the other.</param>
    /// <param name="context">Loggers.</param>
    /// <exception cref="ArgumentException">The tables are the same, or the database does not take keys of this length.</exception>
    public AccessRows(AccessTracker tracker, TierClassifier classifier, IKvDatabase rows, byte[] uses, byte[] due, StoreContext? context = null)
    {
        int longest = BlobKey.MaxBytes + Math.Max(uses.Length, due.Length + sizeof(uint));
        if (uses.AsSpan().StartsWith(due) || due.AsSpan().StartsWith(uses)) throw new ArgumentException("Uses and what is due are two tables.", nameof(due));
        if (rows.Capabilities.Limits.MaxKeyBytes < longest) throw new ArgumentException($"The database '{rows.Capabilities.Database}' takes keys of {rows.Capabilities.Limits.MaxKeyBytes} bytes, and {longest} are needed.", nameof(rows));
        _tracker = tracker;
        _classifier = classifier;
        _rows = rows;
        _uses = uses;
        _due = due;
        _log = (context ?? StoreContext.Default).Loggers.CreateLogger<AccessRows>();
        tracker.KeepForgottenNames();
    }

    private KvLimits Limits => _rows.Capabilities.Limits;

    /// <summary>The table's bytes and the time.</summary>
    private int DueHead => _due.Length + sizeof(uint);

    /// <summary>Reads all rows into the tracker: what a start begins with. What was recorded before is added to it.</summary>
    /// <returns>How many keys there were.</returns>
    public async ValueTask<int> LoadAsync(CancellationToken cancellationToken = default)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            int loaded = 0;
            List<byte[]> damaged = [];
            await foreach (KvEntry row in ScanAsync(_uses, keysOnly: false, cancellationToken).ConfigureAwait(false))
            {
                if (KeyOf(row.Key.Span[_uses.Length..]) is { } key && AccessRow.TryRead(row.Value.Data.Span, _tracker.RecentLane, _tracker.HistoryLane, out AccessEntry entry))
                {
                    _tracker.Restore(row.Key.Span[_uses.Length..], (uint)key.Hash, entry);
                    loaded++;
                }
                else
                {
                    damaged.Add(row.Key.ToArray());
                }
            }

            await foreach (KvEntry row in ScanAsync(_due, keysOnly: true, cancellationToken).ConfigureAwait(false))
            {
                // The first of several is the earliest; the others go when they come up.
                if (DueOf(row.Key.Span) is { } due && _tracker.DueOf(row.Key.Span[DueHead..], (uint)due.Key.Hash) == 0) _tracker.SetDue(row.Key.Span[DueHead..], (uint)due.Key.Hash, due.Due);
            }

            if (damaged.Count > 0) _log.LogWarning("{Count} rows of accesses of '{Database}' cannot be read; the keys count as never used", damaged.Count, _rows.Capabilities.Database);
            await DeleteAsync(damaged, cancellationToken).ConfigureAwait(false);
            return loaded;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>
    /// Writes what has changed since it was last written, at most <see cref="AccessTrackerOptions.MaxFlushKeys"/> keys, in atomic
    /// writes as large as the database takes; and removes the rows of keys that were forgotten.
    /// </summary>
    /// <returns>How many keys were written.</returns>
    /// <exception cref="StorageException">A write failed: what it held is written by the next flush.</exception>
    public async ValueTask<int> FlushAsync(CancellationToken cancellationToken = default)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _tracker.Drain();
            await RemoveForgottenAsync(cancellationToken).ConfigureAwait(false);
            int written = 0;
            while (written < _tracker.Options.MaxFlushKeys)
            {
                int more = await WriteChangedAsync(_tracker.Options.MaxFlushKeys - written, cancellationToken).ConfigureAwait(false);
                if (more == 0) break;
                written += more;
            }

            return written;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The keys that are due by a time, the longest due first.</summary>
    public ValueTask<IReadOnlyList<DueKey>> ReadDueAsync(DateTimeOffset until, int most, CancellationToken cancellationToken = default) => ReadDueAsync(until, most, null, cancellationToken);

    /// <summary>The keys that are due by a time, the longest due first. Rows that are out of date are removed on the way.</summary>
    /// <param name="until">The time: whoever is short of room can look ahead.</param>
    /// <param name="most">How many at most: 1 or more.</param>
    /// <param name="after">Only those behind this one: for whoever leaves some unsettled.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Keys that come again until they are settled (<c>SettleAsync</c>).</returns>
    public async ValueTask<IReadOnlyList<DueKey>> ReadDueAsync(DateTimeOffset until, int most, DueKey? after, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            List<DueKey> found = [];
            List<byte[]> stale = [];
            uint last = AccessScale.SecondsOf(until);
            await foreach (KvEntry row in ScanAsync(_due, keysOnly: true, cancellationToken, last, most, after).ConfigureAwait(false))
            {
                if (DueOf(row.Key.Span) is { } key && !IsElsewhere(key, row.Key.Span[DueHead..])) found.Add(key);
                else stale.Add(row.Key.ToArray());
                if (found.Count == most) break;
            }

            await DeleteAsync(stale, cancellationToken).ConfigureAwait(false);
            return found;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>How many rows of what is due by a time stand behind one, those that are out of date among them; counted up to a number.</summary>
    public async ValueTask<int> CountDueAsync(DateTimeOffset until, int most, DueKey? after, CancellationToken cancellationToken = default)
    {
        int count = 0;
        await foreach (KvEntry _ in ScanAsync(_due, keysOnly: true, cancellationToken, AccessScale.SecondsOf(until), most, after).ConfigureAwait(false))
        {
            if (++count == most) break;
        }

        return count;
    }

    /// <summary>Puts keys that came up where they belong by now, and nobody uses meanwhile.</summary>
    public ValueTask SettleAsync(IReadOnlyList<(DueKey Key, DateTimeOffset? Next)> settled, CancellationToken cancellationToken = default) => SettleAsync(settled, null, cancellationToken);

    /// <summary>Puts keys that came up where they belong by now: under the time at which they are due next, or nowhere.</summary>
    /// <param name="settled">What <c>ReadDueAsync</c> gave, and when each is due next; null for never.</param>
    /// <param name="lookedAt">When it was decided: a key that was used since, though its row stood where it was, is due as after that use. Null: none was.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask SettleAsync(IReadOnlyList<(DueKey Key, DateTimeOffset? Next)> settled, DateTimeOffset? lookedAt, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // While the gate is held: a use that comes later is written by a later flush, which finds where the row is by then.
            if (lookedAt is { } since) settled = [.. settled.Select(key => (key.Key, NextOf(key.Key, key.Next, since)))];
            var batch = new RowBatch(Limits);
            int first = 0;
            for (int i = 0; i < settled.Count; i++)
            {
                (DueKey key, DateTimeOffset? next) = settled[i];
                byte[] name = Encoding.UTF8.GetBytes(key.Key.Value);
                KvMutation old = KvMutation.Delete(DueRow(key.Due, name));
                uint due = next is null || IsElsewhere(key, name) ? 0 : SecondsUp(next.Value);
                ReadOnlySpan<KvMutation> mutations = due == 0 ? [old] : [old, KvMutation.Set(DueRow(due, name), KvValue.OfBytes(default))];
                if (batch.TryAdd(mutations)) continue;
                await CommitAsync(batch, cancellationToken).ConfigureAwait(false);
                NoteSettled(settled, first, i);
                (batch, first) = (new RowBatch(Limits), i--);
            }

            await CommitAsync(batch, cancellationToken).ConfigureAwait(false);
            NoteSettled(settled, first, settled.Count);
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    private static uint SecondsUp(DateTimeOffset time) => AccessScale.SecondsOf(DateTimeOffset.MaxValue - time > TimeSpan.FromSeconds(1) ? time + TimeSpan.FromTicks(TimeSpan.TicksPerSecond - 1) : time);

    private static BlobKey? KeyOf(ReadOnlySpan<byte> name) =>
        System.Text.Unicode.Utf8.IsValid(name) && BlobKey.TryParse(Encoding.UTF8.GetString(name), out BlobKey key) ? key : null;

    private DueKey? DueOf(ReadOnlySpan<byte> row) =>
        row.Length > DueHead && KeyOf(row[DueHead..]) is { } key ? new DueKey(key, BinaryPrimitives.ReadUInt32BigEndian(row[_due.Length..])) : null;

    private DateTimeOffset? NextOf(DueKey key, DateTimeOffset? next, DateTimeOffset lookedAt)
    {
        if (_tracker.Peek(key.Key).LastAccess is not { } last || AccessScale.SecondsOf(last) < AccessScale.SecondsOf(lookedAt)) return next;
        return _classifier.EarliestDue(last) is { } earliest && (next is null || earliest < next) ? earliest : next;
    }

    /// <summary>Whether the key is known to have its row at another place by now.</summary>
    private bool IsElsewhere(DueKey key, ReadOnlySpan<byte> name) => _tracker.DueOf(name, (uint)key.Key.Hash) is { } known && known != 0 && known != key.Due;

    private byte[] DueRow(uint due, ReadOnlySpan<byte> name)
    {
        byte[] key = new byte[DueHead + name.Length];
        _due.CopyTo(key, 0);
        BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(_due.Length), due);
        name.CopyTo(key.AsSpan(DueHead));
        return key;
    }

    /// <summary>Tells the tracker what was committed: nothing else has written these rows meanwhile, because who writes holds the gate.</summary>
    private void NoteSettled(IReadOnlyList<(DueKey Key, DateTimeOffset? Next)> settled, int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            (DueKey key, DateTimeOffset? next) = settled[i];
            byte[] name = Encoding.UTF8.GetBytes(key.Key.Value);
            if (!IsElsewhere(key, name)) _tracker.SetDue(name, (uint)key.Key.Hash, next is null ? 0 : SecondsUp(next.Value));
        }
    }

    private async ValueTask<int> WriteChangedAsync(int most, CancellationToken cancellationToken)
    {
        var batch = new RowBatch(Limits);
        List<(ChangedKey Key, uint Due)> taken = [];
        try
        {
            while (taken.Count < most && _tracker.TakeChanged() is { } key)
            {
                uint due = DueAfter(key.Entry);
                if (!batch.TryAdd(MutationsOf(key, due)))
                {
                    _tracker.PutBack(key);
                    break;
                }

                taken.Add((key, due));
            }

            await CommitAsync(batch, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            foreach ((ChangedKey key, _) in taken) _tracker.PutBack(key);
            throw;
        }

        foreach ((ChangedKey key, uint due) in taken) _tracker.SetDue(key.Name, key.Entry.Hash, due);
        return taken.Count;
    }

    /// <summary>Where the key's row belongs: where it is, unless it would come up too late.</summary>
    private uint DueAfter(in AccessEntry entry)
    {
        if (_classifier.EarliestDue(AccessScale.TimeOf(entry.Last)) is not { } earliest) return entry.Due;
        uint due = SecondsUp(earliest);
        return entry.Due == 0 || due < entry.Due ? due : entry.Due;
    }

    private KvMutation[] MutationsOf(ChangedKey key, uint due)
    {
        KvMutation use = KvMutation.Set((byte[])[.. _uses, .. key.Name], AccessRow.Write(key.Entry, _tracker.RecentLane, _tracker.HistoryLane));
        if (due == key.Entry.Due) return [use];
        KvMutation row = KvMutation.Set(DueRow(due, key.Name), KvValue.OfBytes(default));
        return key.Entry.Due == 0 ? [use, row] : [use, row, KvMutation.Delete(DueRow(key.Entry.Due, key.Name))];
    }

    private async ValueTask RemoveForgottenAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var batch = new RowBatch(Limits);
            List<ForgottenKey> taken = [];
            try
            {
                while (_tracker.TakeForgotten() is { } key)
                {
                    List<KvMutation> mutations = [];
                    if (!key.IsKnownAgain) mutations.Add(KvMutation.Delete((byte[])[.. _uses, .. key.Name]));
                    if (key.Due != 0) mutations.Add(KvMutation.Delete(DueRow(key.Due, key.Name)));
                    if (!batch.TryAdd([.. mutations]))
                    {
                        _tracker.PutBack(key);
                        break;
                    }

                    taken.Add(key);
                }

                if (taken.Count == 0) return;
                await CommitAsync(batch, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                foreach (ForgottenKey key in taken) _tracker.PutBack(key);
                throw;
            }
        }
    }

    private async ValueTask DeleteAsync(IReadOnlyList<byte[]> keys, CancellationToken cancellationToken)
    {
        var batch = new RowBatch(Limits);
        foreach (byte[] key in keys)
        {
            if (batch.TryAdd(KvMutation.Delete(key))) continue;
            await CommitAsync(batch, cancellationToken).ConfigureAwait(false);
            batch = new RowBatch(Limits);
            batch.TryAdd(KvMutation.Delete(key));
        }

        await CommitAsync(batch, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask CommitAsync(RowBatch batch, CancellationToken cancellationToken)
    {
        if (!batch.IsEmpty) await _rows.AtomicWriteAsync(batch.Write, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The rows of a table, in pages; of what is due those up to a time.</summary>
    private async IAsyncEnumerable<KvEntry> ScanAsync(byte[] table, bool keysOnly, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken, uint? until = null, int page = int.MaxValue, DueKey? after = null)
    {
        byte[] start = after is { } behind ? [.. DueRow(behind.Due, Encoding.UTF8.GetBytes(behind.Key.Value)), 0] : table;
        byte[] end = until is { } last && last < uint.MaxValue ? DueRow(last + 1, default) : [.. table[..^1], (byte)(table[^1] + 1)];
        int limit = Math.Min(page, Limits.MaxEntries);
        while (true)
        {
            IReadOnlyList<KvRange> read = await _rows.SnapshotReadAsync([new ReadRange(start, end, limit, KeysOnly: keysOnly)], null, cancellationToken).ConfigureAwait(false);
            IReadOnlyList<KvEntry> entries = read[0].Entries;
            for (int i = 0; i < entries.Count; i++) yield return entries[i];
            if (entries.Count < limit) yield break;
            start = [.. entries[^1].Key.Span, 0];
        }
    }
}
