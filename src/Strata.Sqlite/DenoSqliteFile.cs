using System.Globalization;
using System.Runtime.CompilerServices;
using SQLitePCL;

namespace Strata.Sqlite;

/// <summary>
/// A file that Deno's own KV wrote (<c>Deno.openKv(path)</c>), to be read: all of it is of one instant, that of the first
/// read, even while Deno goes on writing. Nothing in it is changed.
/// </summary>
/// <remarks>
/// Keys and values are as Deno has them: keys are tuples in the encoding of <c>Kv</c>, most values are JavaScript values as V8
/// serialises them. Messages in Deno's queue are no entries: <see cref="CountQueuedAsync"/> says how many would be left behind.
/// One caller at a time.
/// </remarks>
public sealed class DenoSqliteFile : IAsyncDisposable
{
    /// <summary>The last version of Deno's tables that is known.</summary>
    private const int KnownVersion = 3;

    /// <summary>Entries, and bytes, that are read ahead at once.</summary>
    private const int BatchEntries = 500, BatchBytes = 1 << 20;

    private static readonly string[] Tables = ["migration_state", "data_version", "kv"];
    private readonly SqliteSession _session;
    private readonly TimeProvider _clock;
    private readonly bool _hasExpiry, _hasQueue;
    private bool _isDisposed;

    private DenoSqliteFile(SqliteSession session, TimeProvider clock)
    {
        (_session, _clock) = (session, clock);
        long version = session.Number("SELECT version FROM migration_state WHERE k = 0");
        if (version > KnownVersion)
            throw new StorageException(StorageErrorKind.Unsupported, string.Create(CultureInfo.InvariantCulture, $"The file '{session.Place.Path}' has version {version} of Deno's tables, and this version of Strata reads up to {KnownVersion}.")) { Operation = session.Operation, Store = session.Place.Name };
        (_hasQueue, _hasExpiry) = (version >= 2, version >= 3);
        session.Execute("BEGIN");
    }

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file; Deno's log beside it (<c>-wal</c>) is read with it.</param>
    /// <param name="context">For the clock that says what has expired. Null: <see cref="StoreContext.Default"/>.</param>
    /// <param name="cancellationToken">Before it begins.</param>
    /// <exception cref="StorageException">It cannot be opened, or is not Deno's (kind Corrupt), or a newer Deno's (kind Unsupported).</exception>
    public static Task<DenoSqliteFile> OpenAsync(string path, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return Task.Run(() => Open(new SqlitePlace(Path.GetFullPath(path), "Deno KV"), context ?? StoreContext.Default), cancellationToken);
    }

    /// <summary>Reads the entries, in the order of their keys; what has expired by now is left out.</summary>
    /// <exception cref="StorageException">It cannot be read, or holds a value that is none of Deno's.</exception>
    public async IAsyncEnumerable<KvEntry> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        long now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        SqliteStatement rows = _session.Prepare($"SELECT k, v, v_encoding, version, {(_hasExpiry ? "expiration_ms" : "-1")} FROM kv WHERE k >= ?1 ORDER BY k");
        List<KvEntry> batch = [];
        for (byte[]? from = []; from is not null;)
        {
            byte[] start = from;
            from = await Task.Run(() => ReadBatch(rows, start, now, batch), cancellationToken).ConfigureAwait(false);
            foreach (KvEntry entry in batch) yield return entry;
            batch.Clear();
        }
    }

    /// <summary>Messages in Deno's queue: those that wait, and those that were being handled.</summary>
    public Task<long> CountQueuedAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _hasQueue
            ? Task.Run(() => _session.Number("SELECT (SELECT count(*) FROM queue) + (SELECT count(*) FROM queue_running)"), cancellationToken)
            : Task.FromResult(0L);
    }

    /// <summary>Closes the file.</summary>
    public ValueTask DisposeAsync()
    {
        if (_isDisposed) return default;
        _isDisposed = true;
        _session.Dispose();
        return default;
    }

    internal static bool IsDenos(SqliteSession session) =>
        Array.TrueForAll(Tables, table => session.Number($"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '{table}'") == 1);

    private static DenoSqliteFile Open(SqlitePlace place, StoreContext context)
    {
        if (!File.Exists(place.Path)) throw new StorageException(StorageErrorKind.Unavailable, $"There is no file '{place.Path}'.") { Operation = "read", Store = place.Name };
        SqliteSession session = OpenSession(place);
        try
        {
            if (!IsDenos(session)) throw new StorageException(StorageErrorKind.Corrupt, $"The SQLite file '{place.Path}' was not written by Deno KV.") { Operation = "read", Store = place.Name };
            return new DenoSqliteFile(session, context.Clock);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private static SqliteSession OpenSession(SqlitePlace place)
    {
        TimeSpan patience = TimeSpan.FromSeconds(5);
        SqliteSession session = SqliteSession.Open(place, raw.SQLITE_OPEN_READONLY, patience, "read");
        try
        {
            session.Number("SELECT count(*) FROM sqlite_master");
            return session;
        }
        catch (StorageException e) when (e.Kind is StorageErrorKind.Unavailable or StorageErrorKind.AccessDenied && !File.Exists(place.Path + "-wal"))
        {
            // In a folder that cannot be written SQLite has no place for the index of the log; but there is no log.
            session.Dispose();
            return SqliteSession.Open(place, raw.SQLITE_OPEN_READONLY, patience, "read", $"{new Uri(place.Path).AbsoluteUri}?immutable=1");
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <returns>Where to go on; null: it was the last batch.</returns>
    private byte[]? ReadBatch(SqliteStatement rows, byte[] from, long now, List<KvEntry> batch)
    {
        rows.Bind(1, from);
        try
        {
            for (long bytes = 0; rows.Step();)
            {
                ReadOnlySpan<byte> key = rows.Blob(0);
                if (batch.Count >= BatchEntries || bytes >= BatchBytes) return key.ToArray();
                if (Read(rows, now) is not { } entry) continue;
                batch.Add(entry);
                bytes += entry.Key.Length + entry.Value.Data.Length;
            }

            return null;
        }
        finally
        {
            rows.Reset();
        }
    }

    /// <returns>Null: it has expired.</returns>
    private KvEntry? Read(SqliteStatement row, long now)
    {
        long encoding = row.Int64(2), version = row.Int64(3), expires = row.Int64(4);
        byte[] value = row.Blob(1).ToArray();
        bool isKnown = (KvEncoding)encoding is KvEncoding.V8 or KvEncoding.Bytes || ((KvEncoding)encoding == KvEncoding.Le64 && value.Length == sizeof(ulong));
        if (encoding is < 0 or > byte.MaxValue || !isKnown)
            throw SqliteErrors.Damaged(string.Create(CultureInfo.InvariantCulture, $"a value has the encoding {encoding} and {value.Length} bytes"), "read", _session.Place);
        if (expires >= 0 && expires <= now) return null;
        DateTimeOffset? until = expires < 0 || expires > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds() ? null : DateTimeOffset.FromUnixTimeMilliseconds(expires);
        return new KvEntry(row.Blob(0).ToArray(), new KvValue(value, (KvEncoding)encoding), new Versionstamp((ulong)version), until);
    }
}
