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
    private ulong _last;
    private ulong _reserved;

    /// <summary>Judges a group of writes and commits what it comes to; what <see cref="KvWriter"/> calls.</summary>
    /// <exception cref="StorageException">As of the log's commit.</exception>
    public async ValueTask CommitAsync(KvCommitGroup group)
    {
        await _commits.WaitAsync().ConfigureAwait(false);
        try
        {
            while (!await TryCommitAsync(group).ConfigureAwait(false))
            {
                // A blob's rows came in between; what they have changed is judged anew.
            }
        }
        finally
        {
            _commits.Release();
        }
    }

    /// <returns>False: what the group was judged by has changed.</returns>
    private async ValueTask<bool> TryCommitAsync(KvCommitGroup group)
    {
        var plan = new KvGroupPlan(this, group, _time.Milliseconds);
        if (!plan.IsCommit) return true;
        if (IsReserveLow(plan.Last)) await ReserveAsync(plan.Last).ConfigureAwait(false);
        using var batch = new LogBatch(_buffers);
        plan.AddTo(batch);
        if (batch.Count == 0) plan.Place(batch);
        else if (!(await _log.CommitAsync(batch).ConfigureAwait(false)).IsApplied) return false;
        plan.Settle();
        return true;
    }

    /// <summary>Issues the versionstamps after this one. Called when a commit gets its place among all: they are in the order of the commits.</summary>
    /// <returns>The one before the first of them.</returns>
    internal ulong Issue(ulong count)
    {
        ulong from = Interlocked.Add(ref _last, count) - count;
        return from + count <= Volatile.Read(ref _reserved) ? from : throw new InvalidOperationException($"The database '{_name}' has issued all versionstamps that it had set aside.");
    }

    /// <summary>
    /// Where others commit beside the writer, stamps are set aside long before the last one is issued: whoever gets a stamp then
    /// cannot wait for more of them.
    /// </summary>
    private bool IsReserveLow(ulong needed) => needed + (IsShared ? StampsAhead / 2 : 0) > Volatile.Read(ref _reserved);

    /// <summary>Writes down, before any of them is issued, that versionstamps up to this one and some more may have been.</summary>
    private async ValueTask ReserveAsync(ulong needed)
    {
        ulong limit = checked(needed + StampsAhead);
        await WriteStampAsync(limit).ConfigureAwait(false);

        // A power cut may take commits back where they are not flushed, but no stamp may be issued twice.
        if (_syncsStamps) await _log.FlushAsync().ConfigureAwait(false);
        Volatile.Write(ref _reserved, limit);
    }

    private async ValueTask WriteStampAsync(ulong limit)
    {
        using var batch = new LogBatch(_buffers);
        PutStamp(batch, limit);
        await _log.CommitAsync(batch).ConfigureAwait(false);
    }

    private void PutStamp(LogBatch batch, ulong limit)
    {
        Span<byte> record = stackalloc byte[KvStampRecord.Bytes];
        KvStampRecord.Write(record, new Versionstamp(limit), _time.Milliseconds);
        bool frees = batch.FreesSpace;
        batch.Put(_stampKey, record);

        // Deletes depend on it, and a full disk takes them; it is small, and takes the place of the one before.
        batch.FreesSpace = frees;
    }

    /// <summary>Adds to a batch what changes come to.</summary>
    /// <param name="changes">What they come to.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="now">What time it is, Unix milliseconds.</param>
    /// <param name="plan">What the batch's operations do, in their order.</param>
    /// <param name="view">Told of deletes that find nothing, which hold only as long as there is nothing; null: such a delete is written.</param>
    [SkipLocalsInit]
    private void Plan(KvChanges changes, LogBatch batch, long now, List<Change> plan, KvView? view)
    {
        Span<byte> room = stackalloc byte[LogEntryHeader.MaxKeyBytes], head = stackalloc byte[KvRecord.Bytes];
        plan.EnsureCapacity(changes.Entries.Count);
        foreach ((ReadOnlyMemory<byte> key, KvEntry? entry) in changes.Entries)
        {
            ReadOnlySpan<byte> full = Of(key.Span, room);
            bool isThere = _log.TryLocate(full, out LogLocation before) && !IsTombstone(before);
            if (entry is null && !isThere && view is not null)
            {
                view.Depend(full, before);
                continue;
            }

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

            plan.Add(new Change(key, expired, expires));
        }
    }

    /// <summary>An entry of a plan is what readers find.</summary>
    private void Count(LogLocation location, LogLocation previous)
    {
        bool isSet = !IsTombstone(location), wasThere = previous.IsKnown && !IsTombstone(previous);
        if (isSet != wasThere) Interlocked.Add(ref _entries, isSet ? 1 : -1);
        Interlocked.Add(ref _bytes, (isSet ? location.Length : 0) - (wasThere ? previous.Length : 0));
    }

    /// <summary>Enters when what was committed expires.</summary>
    private void Settle(List<Change> plan)
    {
        foreach (Change change in plan)
        {
            if (change.ExpiresBefore == change.Expires) continue;
            if (change.ExpiresBefore != 0) _expiries.Remove(change.ExpiresBefore, change.Key.Span);
            if (change.Expires != 0) Expect(change.Expires, change.Key.Span);
        }
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
    /// <param name="ExpiresBefore">When that would have expired, Unix milliseconds; 0: never.</param>
    /// <param name="Expires">When the new one does.</param>
    private readonly record struct Change(ReadOnlyMemory<byte> Key, long ExpiresBefore, long Expires);
}
