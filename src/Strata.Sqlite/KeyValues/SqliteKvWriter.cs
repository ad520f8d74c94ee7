using SQLitePCL;

namespace Strata.Sqlite;

/// <summary>
/// The connection that writes. Each transaction begins by taking the file's one lock for writers (BEGIN IMMEDIATE): what it
/// is judged by is what it changes, whatever other processes do.
/// </summary>
internal sealed class SqliteKvWriter : IKvView, IDisposable
{
    /// <summary>More commits than the system keeps from the medium.</summary>
    private const ulong MostLost = 1UL << 32;

    private readonly SqliteSession _session;
    private readonly RisingClock _clock;
    private readonly SqliteKvSeen _seen;
    private readonly SqliteStatement _begin, _commit, _state, _setState, _find, _findKey, _put, _delete, _deleteExpired, _nextExpiry;
    private readonly Versionstamp _floor;
    private DateTimeOffset _now;

    /// <summary>The next commit is flushed though others are not: from above the floor on none may be issued again, so that must be on the medium.</summary>
    private bool _flushesNext, _isFlushed;

    /// <param name="session">The connection; disposed with this.</param>
    /// <param name="clock">What time it is.</param>
    /// <param name="seen">Up to where those who watch have been told.</param>
    /// <param name="durability">When a commit is acknowledged.</param>
    /// <param name="mayHaveLost">Commits may have been lost, and none may have one of their versionstamps: they go on from far above.</param>
    public SqliteKvWriter(SqliteSession session, RisingClock clock, SqliteKvSeen seen, SqliteDurability durability, bool mayHaveLost)
    {
        (_session, _clock, _seen) = (session, clock, seen);
        session.Operation = "write";
        _begin = session.Prepare("BEGIN IMMEDIATE");
        _commit = session.Prepare("COMMIT");
        _state = session.Prepare(SqliteKvState.Select);
        _setState = session.Prepare(SqliteKvState.Update);
        _find = session.Prepare($"SELECT {SqliteKvRow.Head}, value FROM kv_entries WHERE key = ?1");
        _findKey = session.Prepare($"SELECT {SqliteKvRow.Head} FROM kv_entries WHERE key = ?1");
        _put = session.Prepare(
            $"""
             INSERT INTO kv_entries(key, {SqliteKvRow.Head}, value) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT(key) DO UPDATE SET version = excluded.version, encoding = excluded.encoding, expires = excluded.expires, checksum = excluded.checksum, value = excluded.value
             """);
        _delete = session.Prepare("DELETE FROM kv_entries WHERE key = ?1");
        _deleteExpired = session.Prepare("DELETE FROM kv_entries WHERE rowid IN (SELECT rowid FROM kv_entries WHERE expires <= ?1 ORDER BY expires LIMIT ?2)");
        _nextExpiry = session.Prepare("SELECT expires FROM kv_entries WHERE expires IS NOT NULL ORDER BY expires LIMIT 1");
        SqliteKvState state = SqliteKvState.Read(_state, session);
        _clock.Saw(state.Seen.ToUnixTimeMilliseconds());
        _seen.Raise(state.Last);
        _flushesNext = mayHaveLost && durability != SqliteDurability.Flush;
        if (_flushesNext) session.Execute("PRAGMA synchronous = FULL");
        _floor = mayHaveLost ? new Versionstamp(state.Last.Counter + MostLost) : state.Last;
    }

    /// <inheritdoc/>
    public KvEntry? Find(ReadOnlyMemory<byte> key, bool keyOnly)
    {
        SqliteStatement row = keyOnly ? _findKey : _find;
        row.Bind(1, key.Span);
        try
        {
            return row.Step() && !(SqliteKvRow.ExpiresOf(row, head: 0) <= _now.ToUnixTimeMilliseconds()) ? SqliteKvRow.Read(row, head: 0, key, keyOnly, _session) : null;
        }
        finally
        {
            row.Reset();
        }
    }

    /// <summary>Judges a group and commits what it comes to.</summary>
    /// <returns>When the first of what was written expires; null: nothing does.</returns>
    public DateTimeOffset? Commit(KvCommitGroup group)
    {
        if (_flushesNext && _isFlushed)
        {
            _session.Execute("PRAGMA synchronous = NORMAL");
            _flushesNext = false;
        }

        SqliteKvState before = Begin();
        Versionstamp last = before.Last > _floor ? before.Last : _floor;
        DateTimeOffset? first = null;
        KvChanges changes;
        try
        {
            changes = group.Evaluate(this, last, _now);
            if (changes.Last != last)
            {
                foreach ((ReadOnlyMemory<byte> key, KvEntry? entry) in changes.Entries)
                {
                    DateTimeOffset? expires = entry?.Expires;
                    if (entry is null || expires <= _now)
                    {
                        Delete(key);
                        continue;
                    }

                    Put(entry);
                    first = Earlier(first, expires);
                }

                new SqliteKvState(changes.Last, _now).Write(_setState);
            }
        }
        catch
        {
            _session.Rollback();
            throw;
        }

        if (changes.Last == last)
        {
            _session.Rollback();
            return first;
        }

        End(changes.Last);
        _isFlushed = true;
        return first;
    }

    /// <summary>Removes entries that have expired, a batch of them.</summary>
    /// <returns>Whether there may be more.</returns>
    public bool RemoveExpired(int batch)
    {
        SqliteKvState before = Begin();
        int removed;
        try
        {
            _deleteExpired.Bind(1, _now.ToUnixTimeMilliseconds());
            _deleteExpired.Bind(2, batch);
            _deleteExpired.Run();
            removed = _session.Changes;
            if (removed > 0) new SqliteKvState(before.Last, _now).Write(_setState);
        }
        catch
        {
            _session.Rollback();
            throw;
        }

        if (removed > 0) End(before.Last);
        else _session.Rollback();
        return removed == batch;
    }

    /// <summary>When the next entry expires; null: none does.</summary>
    public DateTimeOffset? NextExpiry()
    {
        try
        {
            return _nextExpiry.Step() ? MomentOf(_nextExpiry.Int64(0)) : null;
        }
        finally
        {
            _nextExpiry.Reset();
        }
    }

    /// <summary>Keeps how late it is, so that what has expired stays so.</summary>
    public void SaveTime()
    {
        SqliteKvState before = Begin();
        try
        {
            if (_now == before.Seen) return;
            new SqliteKvState(before.Last, _now).Write(_setState);
            End(before.Last);
        }
        finally
        {
            _session.Rollback();
        }
    }

    public void Dispose() => _session.Dispose();

    private SqliteKvState Begin()
    {
        _begin.Run();
        try
        {
            SqliteKvState state = SqliteKvState.Read(_state, _session);
            _clock.Saw(state.Seen.ToUnixTimeMilliseconds());
            _now = _clock.Now;
            _seen.Before(state.Last);
            return state;
        }
        catch
        {
            _session.Rollback();
            throw;
        }
    }

    private void End(Versionstamp last)
    {
        try
        {
            _commit.Run();
        }
        catch (StorageException e)
        {
            _session.Rollback();

            // With no room the last frame of the commit, which makes it one, is not in the log.
            bool isUndone = e.Kind is StorageErrorKind.Timeout or StorageErrorKind.Full || TryVoid(last);
            throw new StorageException(e.Kind, e.Message, e.InnerException)
            {
                Operation = e.Operation, Store = e.Store, IsTransient = e.IsTransient, Outcome = isUndone ? WriteOutcome.NotApplied : WriteOutcome.Unknown,
            };
        }

        _seen.Raise(last);
    }

    /// <summary>
    /// A commit that failed may lie whole in the log, where the first to open the file after a crash would find it. Another
    /// one over its place makes sure that nobody does: the checksums of the log go on from frame to frame.
    /// </summary>
    /// <param name="last">The versionstamps up to here are never issued again, nor is what is written here what is there.</param>
    private bool TryVoid(Versionstamp last)
    {
        try
        {
            _begin.Run();
            new SqliteKvState(last.Next(), _now).Write(_setState);
            _commit.Run();
            _seen.Raise(last.Next());
            return true;
        }
        catch (StorageException)
        {
            _session.Rollback();
            return false;
        }
    }

    /// <summary>A row that is damaged may say anything; whoever reads it is told.</summary>
    private static DateTimeOffset MomentOf(long expires) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(expires, DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    private static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) => one is null || other < one ? other ?? one : one;

    private void Put(KvEntry entry)
    {
        SqliteKvRow.Bind(_put, entry);
        _put.Run();
    }

    private void Delete(ReadOnlyMemory<byte> key)
    {
        _delete.Bind(1, key.Span);
        _delete.Run();
    }
}
