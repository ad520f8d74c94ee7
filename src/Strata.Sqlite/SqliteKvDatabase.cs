using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Strata.Sqlite;

/// <summary>
/// An ordered key-value database in one SQLite file, with a write-ahead log: reads go on beside writes, and beside those of
/// other processes on this machine that have the file open.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> SQLite's commit; with <see cref="SqliteDurability.Flush"/> after the flush of its log. Writes that
/// come at once are one transaction. Versionstamps rise over all processes that write to the file.</para>
/// <para>Writes run on a thread of their own: a commit blocks as long as a flush takes, or another process's transaction.
/// Reads of up to a hundred entries run on the caller's thread: they take microseconds (measured: 6 for an entry of 1 KiB, 230
/// for a hundred), and another thread would be no quicker; longer ones are sent to the thread pool. At most
/// <see cref="SqliteKvDatabaseOptions.MaxReaders"/> of both run at once.</para>
/// <para>SQLite's pages have no checksums; each entry has one, and is verified whenever it is read. A commit that fails leaves
/// nothing: its place in the log is overwritten at once, and only where that fails too is the outcome unknown.</para>
/// </remarks>
public sealed class SqliteKvDatabase : IKvDatabase
{
    /// <summary>Entries of a read that runs where it was called.</summary>
    private const int ShortRead = 100;

    /// <summary>Watched keys that are looked at in a row; then other readers have their turn.</summary>
    private const int LookedAtOnce = 500;

    private readonly SqliteKvDatabaseOptions _options;
    private readonly OperationGate _gate;
    private readonly SqliteThread _thread;
    private readonly RisingClock _clock;
    private readonly SqliteKvSeen _seen = new();
    private readonly KvWatchers _watchers;
    private readonly KvWriter _writes;
    private readonly SqliteKvReaders _readers;
    private readonly SqliteKvPoller _poller;
    private readonly ILogger _log;
    private readonly TimeProvider _timers;
    private SqliteKvWriter _writer = null!;
    private SqliteKvSweeper _sweeper = null!;
    private long _reads;

    private SqliteKvDatabase(SqliteKvDatabaseOptions options, StoreContext context)
    {
        (_options, _timers) = (options, context.Clock);
        _log = context.Loggers.CreateLogger<SqliteKvDatabase>();
        _gate = new OperationGate(options.Name);
        _thread = new SqliteThread(options.Name);
        _clock = new RisingClock(context.Clock);
        _watchers = new KvWatchers(context.Clock, options.Name);
        _writes = new KvWriter(CommitAsync, _watchers);
        _readers = new SqliteKvReaders(() => new SqliteKvReader(SqliteKvSchema.OpenReader(options), _clock), options.MaxReaders);
        _poller = new SqliteKvPoller(LookAsync, options.WatchInterval, context.Clock, _log);
        Capabilities = new KvCapabilities { Database = options.Name, Limits = options.Limits, WatchesOtherProcesses = true };
    }

    /// <inheritdoc/>
    public KvCapabilities Capabilities { get; }

    /// <summary>How many watches there are; for tests.</summary>
    internal int Watches => _watchers.Count;

    /// <summary>How often it was read, by callers and for watches; for tests.</summary>
    internal long Reads => Interlocked.Read(ref _reads);

    /// <summary>Opens a file, or creates it.</summary>
    /// <param name="options">Settings.</param>
    /// <param name="context">Null: <see cref="StoreContext.Default"/>.</param>
    /// <param name="cancellationToken">Before it begins.</param>
    /// <exception cref="ArgumentException">A setting is beyond its limits.</exception>
    /// <exception cref="StorageException">It cannot be opened, is damaged, or is another program's (kind Corrupt, and untouched), or a newer Strata's (kind Unsupported).</exception>
    public static async ValueTask<SqliteKvDatabase> OpenAsync(SqliteKvDatabaseOptions options, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        cancellationToken.ThrowIfCancellationRequested();
        var database = new SqliteKvDatabase(options with { Path = Path.GetFullPath(options.Path) }, context ?? StoreContext.Default);
        try
        {
            await database._thread.RunAsync(database.Open).ConfigureAwait(false);
            return database;
        }
        catch
        {
            database._thread.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken)
    {
        _options.Limits.Check(ranges);
        return await ReadAsync(ranges, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken)
    {
        _options.Limits.Check(write);
        using OperationGate.Pass pass = _gate.Enter("write");
        return await _writes.WriteAsync(write, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <remarks>What other processes write is seen within <see cref="SqliteKvDatabaseOptions.WatchInterval"/>.</remarks>
    public IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken)
    {
        _options.Limits.Check(keys);
        return WatchKeysAsync([.. keys.Select(k => (ReadOnlyMemory<byte>)k.ToArray())], cancellationToken);
    }

    /// <summary>Waits for what is under way, and closes the file. Watches end.</summary>
    public async ValueTask DisposeAsync()
    {
        _watchers.Close();
        await _poller.DisposeAsync().ConfigureAwait(false);
        if (!await _gate.CloseAsync().ConfigureAwait(false)) return;
        await _sweeper.DisposeAsync().ConfigureAwait(false);
        _readers.Dispose();
        await _thread.RunAsync(Close).ConfigureAwait(false);
        _thread.Dispose();
    }

    private static bool IsShort(IReadOnlyList<ReadRange> ranges)
    {
        int entries = 0;
        for (int i = 0; i < ranges.Count && entries <= ShortRead; i++) entries += ranges[i].IsOneKey ? 1 : ranges[i].Limit;
        return entries <= ShortRead;
    }

    private void Open()
    {
        bool mayHaveLost = MayHaveLost();
        SqliteSession session = SqliteKvSchema.Open(_options);
        try
        {
            _writer = new SqliteKvWriter(session, _clock, _seen, _options.Durability, mayHaveLost);
            _sweeper = new SqliteKvSweeper(_thread, _writer, _clock, _timers, _log);
            if (_writer.NextExpiry() is { } expires) _sweeper.Arm(expires);
        }
        catch
        {
            session.Dispose();
            throw;
        }

        if (_log.IsEnabled(LogLevel.Information)) _log.LogInformation("Opened the KV database '{Store}' in {Path} with {Engine}", _options.Name, _options.Path, SqliteEngine.Description);
    }

    /// <summary>Whether a power cut may have taken commits back, with the versionstamps that somebody was told: they were not flushed, or it cannot be seen that they were.</summary>
    private bool MayHaveLost() =>
        new FileInfo(_options.Path) is { Exists: true, Length: > 0 } && (_options.Durability != SqliteDurability.Flush || File.Exists(_options.Path + "-wal"));

    private void Close()
    {
        try
        {
            _writer.SaveTime();
        }
        catch (StorageException e)
        {
            _log.LogWarning(e, "Cannot keep in '{Store}' how late it is; a clock set back may show entries that had expired", _options.Name);
        }
        finally
        {
            _writer.Dispose();
        }
    }

    private async ValueTask CommitAsync(KvCommitGroup group)
    {
        DateTimeOffset? expires = null;
        await _thread.RunAsync(() => expires = _writer.Commit(group), continuesHere: true).ConfigureAwait(false);
        if (expires is { } first) _sweeper.Arm(first);
    }

    private async ValueTask<IReadOnlyList<KvRange>> ReadAsync(IReadOnlyList<ReadRange> ranges, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _gate.Enter("read");
        Interlocked.Increment(ref _reads);
        SqliteKvReader reader = await _readers.TakeAsync(cancellationToken).ConfigureAwait(false);
        bool isSound = false;
        try
        {
            IReadOnlyList<KvRange> found = IsShort(ranges)
                ? reader.Read(ranges, cancellationToken)
                : await Task.Run(() => reader.Read(ranges, cancellationToken), CancellationToken.None).ConfigureAwait(false);
            isSound = true;
            return found;
        }
        catch (OperationCanceledException)
        {
            isSound = true;
            throw;
        }
        finally
        {
            _readers.Return(reader, isSound);
        }
    }

    /// <summary>Where another process has written, looks at the watched keys, and wakes those who watch one that has changed.</summary>
    private async ValueTask LookAsync()
    {
        Versionstamp last = await LookAsync(reader => reader.Last()).ConfigureAwait(false);
        if (!_seen.TakeMissed(last)) return;
        try
        {
            foreach (ReadOnlyMemory<byte>[] keys in _watchers.Keys.Chunk(LookedAtOnce)) _watchers.Found(await LookAsync(reader => reader.StampsOf(keys)).ConfigureAwait(false));
            _seen.Raise(last);
        }
        catch
        {
            _seen.Miss();
            throw;
        }
    }

    private async ValueTask<T> LookAsync<T>(Func<SqliteKvReader, T> look)
    {
        SqliteKvReader reader = await _readers.TakeAsync(CancellationToken.None).ConfigureAwait(false);
        bool isSound = false;
        try
        {
            T found = look(reader);
            isSound = true;
            return found;
        }
        finally
        {
            _readers.Return(reader, isSound);
        }
    }

    private async IAsyncEnumerable<WatchUpdate> WatchKeysAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        _poller.Enter();
        try
        {
            await foreach (WatchUpdate update in _watchers.WatchAsync(ReadAsync, keys, cancellationToken).ConfigureAwait(false)) yield return update;
        }
        finally
        {
            _poller.Exit();
        }
    }
}
