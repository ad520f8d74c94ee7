namespace Strata.Sqlite;

/// <summary>A connection that reads. One caller at a time.</summary>
internal sealed class SqliteKvReader : IDisposable
{
    private static readonly KvRange Nothing = new([]);
    private readonly SqliteSession _session;
    private readonly RisingClock _clock;
    private readonly SqliteStatement _begin, _end, _state, _find, _findKey, _forward, _forwardKeys, _reverse, _reverseKeys;

    public SqliteKvReader(SqliteSession session, RisingClock clock)
    {
        (_session, _clock) = (session, clock);
        _begin = session.Prepare("BEGIN");
        _end = session.Prepare("COMMIT");
        _state = session.Prepare(SqliteKvState.Select);
        _find = session.Prepare($"SELECT {SqliteKvRow.Head}, value FROM kv_entries WHERE key = ?1");
        _findKey = session.Prepare($"SELECT {SqliteKvRow.Head} FROM kv_entries WHERE key = ?1");
        _forward = Range($"{SqliteKvRow.Head}, value", "ASC");
        _forwardKeys = Range(SqliteKvRow.Head, "ASC");
        _reverse = Range($"{SqliteKvRow.Head}, value", "DESC");
        _reverseKeys = Range(SqliteKvRow.Head, "DESC");
    }

    /// <summary>The last versionstamp that any process has issued.</summary>
    public Versionstamp Last() => SqliteKvState.Read(_state, _session).Last;

    /// <summary>The versionstamps that the keys' entries have; none where there is no entry. Nothing is verified: whoever reads an entry is told of damage.</summary>
    public IReadOnlyList<KeyValuePair<ReadOnlyMemory<byte>, Versionstamp>> StampsOf(IReadOnlyList<ReadOnlyMemory<byte>> keys)
    {
        var instant = new Instant(_clock.Milliseconds, IsExact: true);
        var stamps = new KeyValuePair<ReadOnlyMemory<byte>, Versionstamp>[keys.Count];
        _begin.Run();
        try
        {
            for (int i = 0; i < stamps.Length; i++) stamps[i] = new(keys[i], StampOf(keys[i], ref instant));
            _end.Run();
            return stamps;
        }
        finally
        {
            _session.Rollback();
        }
    }

    /// <summary>Reads ranges, all of them at one instant.</summary>
    public IReadOnlyList<KvRange> Read(IReadOnlyList<ReadRange> ranges, CancellationToken cancellationToken)
    {
        // Before the snapshot is taken: what commits later has a later time of its own.
        var instant = new Instant(_clock.Milliseconds, ranges.Count == 1 && ranges[0].IsOneKey);
        if (ranges.Count == 1) return [Read(ranges[0], ref instant, cancellationToken)];
        var found = new KvRange[ranges.Count];
        _begin.Run();
        try
        {
            for (int i = 0; i < found.Length; i++) found[i] = Read(ranges[i], ref instant, cancellationToken);
            _end.Run();
            return found;
        }
        finally
        {
            _session.Rollback();
        }
    }

    public void Dispose() => _session.Dispose();

    private SqliteStatement Range(string columns, string order) => _session.Prepare($"SELECT key, {columns} FROM kv_entries WHERE key >= ?1 AND key < ?2 ORDER BY key {order}");

    private KvRange Read(in ReadRange range, ref Instant instant, CancellationToken cancellationToken)
    {
        if (range.IsOneKey) return ReadKey(range, ref instant);
        SqliteStatement rows = (range.Reverse, range.KeysOnly) switch
        {
            (false, false) => _forward,
            (false, true) => _forwardKeys,
            (true, false) => _reverse,
            (true, true) => _reverseKeys,
        };
        rows.Bind(1, range.Start.Span);
        rows.Bind(2, range.End.Span);
        List<KvEntry> entries = [];
        try
        {
            while (entries.Count < range.Limit && rows.Step())
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (IsVisible(rows, head: 1, ref instant)) entries.Add(SqliteKvRow.Read(rows, head: 1, rows.Blob(0).ToArray(), range.KeysOnly, _session));
            }
        }
        finally
        {
            rows.Reset();
        }

        return new KvRange(entries);
    }

    private KvRange ReadKey(in ReadRange range, ref Instant instant)
    {
        SqliteStatement row = range.KeysOnly ? _findKey : _find;
        row.Bind(1, range.Start.Span);
        try
        {
            return row.Step() && IsVisible(row, head: 0, ref instant) ? new KvRange([SqliteKvRow.Read(row, head: 0, range.Start.ToArray(), range.KeysOnly, _session)]) : Nothing;
        }
        finally
        {
            row.Reset();
        }
    }

    private Versionstamp StampOf(ReadOnlyMemory<byte> key, ref Instant instant)
    {
        _findKey.Bind(1, key.Span);
        try
        {
            return _findKey.Step() && IsVisible(_findKey, head: 0, ref instant) ? SqliteKvRow.VersionOf(_findKey, head: 0) : Versionstamp.None;
        }
        finally
        {
            _findKey.Reset();
        }
    }

    private bool IsVisible(SqliteStatement row, int head, ref Instant instant)
    {
        if (SqliteKvRow.ExpiresOf(row, head) is not { } expires) return true;
        if (expires > instant.Time && !instant.IsExact)
        {
            DateTimeOffset seen = SqliteKvState.Read(_state, _session).Seen;
            _clock.Saw(seen.ToUnixTimeMilliseconds());
            instant = new Instant(Math.Max(instant.Time, seen.ToUnixTimeMilliseconds()), IsExact: true);
        }

        return expires > instant.Time;
    }

    /// <summary>
    /// What time it is in the snapshot. A commit that is in it may have been judged at a later time than this read began, and
    /// have taken an entry for expired that would be seen here beside what that commit wrote; so the first entry that will
    /// expire asks how late it was at the last commit. One key alone tells no such tale.
    /// </summary>
    private readonly record struct Instant(long Time, bool IsExact);
}
