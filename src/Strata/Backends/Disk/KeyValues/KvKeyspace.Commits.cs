using System.Buffers;
using System.Runtime.CompilerServices;

namespace Strata;

/// <content>Commits: a group of writes is judged while nobody else writes, and becomes one batch of the log.</content>
internal sealed partial class KvKeyspace
{
    /// <summary>So many versionstamps are set aside with one entry of the log; after a crash what is left of them is not used.</summary>
    private const ulong StampsAhead = 1 << 20;

    /// <summary>One commit at a time: of writers, or of a sweep.</summary>
    private readonly SemaphoreSlim _commits = new(1, 1);
    private readonly bool _syncsStamps;
    private Versionstamp _last;
    private Versionstamp _reserved;

    /// <summary>Judges a group of writes and commits what it comes to; what <see cref="KvWriter"/> calls.</summary>
    /// <exception cref="StorageException">As of the log's commit.</exception>
    public async ValueTask CommitAsync(KvCommitGroup group)
    {
        await _commits.WaitAsync().ConfigureAwait(false);
        try
        {
            long now = _time.Milliseconds;
            KvChanges changes = group.Evaluate(new View(this, now), _last, DateTimeOffset.FromUnixTimeMilliseconds(now));
            if (changes.Last == _last) return;
            if (changes.Last > _reserved) await ReserveAsync(changes.Last).ConfigureAwait(false);
            using var batch = new LogBatch(_buffers);
            List<Change> plan = Plan(changes, batch, now);
            try
            {
                if (batch.Count > 0) await _log.CommitAsync(batch).ConfigureAwait(false);
                _last = changes.Last;
            }
            catch (StorageException e) when (e.Outcome == WriteOutcome.Unknown)
            {
                // Somebody may come to see it.
                _last = changes.Last;
                throw;
            }

            Settle(plan, batch);
        }
        finally
        {
            _commits.Release();
        }
    }

    /// <summary>Writes down, before any of them is issued, that versionstamps up to this one and some more may have been.</summary>
    private async ValueTask ReserveAsync(Versionstamp needed)
    {
        var limit = new Versionstamp(checked(needed.Counter + StampsAhead));
        await WriteStampAsync(limit).ConfigureAwait(false);

        // A power cut may take commits back where they are not flushed, but no stamp may be issued twice.
        if (_syncsStamps) await _log.FlushAsync().ConfigureAwait(false);
        _reserved = limit;
    }

    private async ValueTask WriteStampAsync(Versionstamp limit)
    {
        using var batch = new LogBatch(_buffers);
        byte[] record = new byte[KvStampRecord.Bytes];
        KvStampRecord.Write(record, limit, _time.Milliseconds);
        batch.Put(_stampKey, record);

        // Deletes depend on it, and a full disk takes them; it is small, and takes the place of the one before.
        batch.FreesSpace = true;
        await _log.CommitAsync(batch).ConfigureAwait(false);
    }

    [SkipLocalsInit]
    private List<Change> Plan(KvChanges changes, LogBatch batch, long now)
    {
        Span<byte> room = stackalloc byte[LogEntryHeader.MaxKeyBytes], head = stackalloc byte[KvRecord.Bytes];
        var plan = new List<Change>(changes.Entries.Count);
        foreach ((ReadOnlyMemory<byte> key, KvEntry? entry) in changes.Entries)
        {
            ReadOnlySpan<byte> full = Of(key.Span, room);
            bool isThere = _log.TryLocate(full, out LogLocation before) && !IsTombstone(before);
            if (entry is null && !isThere) continue;
            long expired = isThere ? ExpiryAt(full, before) ?? 0 : 0, expires = ExpiryOf(entry);
            if (entry is null)
            {
                new KvRecord(KvEncoding.None, changes.Last, now).Write(head);
                batch.Delete(full, head);
            }
            else
            {
                if (!isThere || (expires != 0 && expired == 0)) CheckIndexRoom();
                new KvRecord(entry.Value.Encoding, entry.Versionstamp, now).Write(head);
                batch.Put(full, head, new ReadOnlySequence<byte>(entry.Value.Data), expires);
            }

            plan.Add(new Change(key, isThere ? before.Length : 0, expired, expires, entry is not null));
        }

        return plan;
    }

    /// <summary>Enters what was committed in the books.</summary>
    private void Settle(List<Change> plan, LogBatch batch)
    {
        ReadOnlySpan<LogBatch.Operation> operations = batch.Operations;
        long entries = 0, bytes = 0;
        for (int i = 0; i < plan.Count; i++)
        {
            Change change = plan[i];
            entries += (change.IsSet ? 1 : 0) - (change.LengthBefore > 0 ? 1 : 0);
            bytes += (change.IsSet ? batch.LocationOf(operations[i]).Length : 0) - change.LengthBefore;
            if (change.ExpiresBefore == change.Expires) continue;
            if (change.ExpiresBefore != 0) _expiries.Remove(change.ExpiresBefore, change.Key.Span);
            if (change.Expires != 0) Expect(change.Expires, change.Key.Span);
        }

        Interlocked.Add(ref _entries, entries);
        Interlocked.Add(ref _bytes, bytes);
    }

    /// <returns>Unix milliseconds, 0: never; null: the entry cannot be read.</returns>
    private long? ExpiryAt(ReadOnlySpan<byte> full, LogLocation location)
    {
        if ((location.Flags & LogEntryFlags.Expires) == LogEntryFlags.None) return 0;
        try
        {
            if (!_log.TryRead(full, out LogEntry entry)) return 0;
            using (entry) return entry.Expires;
        }
        catch (StorageException)
        {
            // What is damaged can be replaced and deleted.
            return null;
        }
    }

    private static long ExpiryOf(KvEntry? entry) => entry?.Expires is { } expires ? Math.Max(1, expires.ToUnixTimeMilliseconds()) : 0;

    private void CheckIndexRoom()
    {
        long bytes = _log.Index.Bytes + _expiries.Bytes;
        if (bytes < _maxIndexBytes) return;
        throw new StorageException(StorageErrorKind.Full, $"The database '{_name}' has no memory left for another key, or another that expires: its index takes {bytes} bytes. Raise MaxIndexBytes, or delete keys.") { Operation = "write", Store = _name };
    }

    /// <param name="Key">Which.</param>
    /// <param name="LengthBefore">Bytes of the entry that was there; 0: there was none.</param>
    /// <param name="ExpiresBefore">When that would have expired, Unix milliseconds; 0: never.</param>
    /// <param name="Expires">When the new one does.</param>
    /// <param name="IsSet">False: it is deleted.</param>
    private readonly record struct Change(ReadOnlyMemory<byte> Key, int LengthBefore, long ExpiresBefore, long Expires, bool IsSet);

    /// <summary>The state as it is, while nobody else commits.</summary>
    private sealed class View(KvKeyspace keyspace, long now) : IKvView
    {
        public KvEntry? Find(ReadOnlyMemory<byte> key, bool keyOnly) => keyspace.Find(key, keyOnly, now);
    }
}
