using System.Buffers;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// An ordered KV in a keyspace of a log, whoever owns that: a database of its own, or a store that keeps its state beside its
/// blobs. It is the only one that writes to its keyspace. Format: docs/formats/key-values.md.
/// </summary>
/// <remarks>
/// <b>Commit point:</b> the log's, of the one batch that a group of writes becomes.
/// </remarks>
internal sealed partial class KvKeyspace : IAsyncDisposable
{
    /// <summary>Keys without their keyspace have at most so many bytes: the expiry that <see cref="KvExpiries"/> puts before them must fit too.</summary>
    public const int MaxKeyBytes = LogEntryHeader.MaxKeyBytes - sizeof(long);

    private readonly LogEngine _log;
    private readonly LogKeyspace _keyspace;
    private readonly string _name;
    private readonly long _maxIndexBytes;
    private readonly RisingClock _time;
    private readonly TimeProvider _clock;
    private readonly ArrayPool<byte> _buffers;
    private readonly ILogger _logger;
    private readonly KvExpiries _expiries;
    private readonly byte[] _stampKey;
    private long _entries;
    private long _bytes;

    /// <param name="log">Where it is; disposed after this.</param>
    /// <param name="keyspace">Its first byte of each key.</param>
    /// <param name="found">What the opening of the log came across; its expiries belong to this from here on.</param>
    /// <param name="time">What time it is; told how late it was.</param>
    /// <param name="options">The log's.</param>
    /// <param name="context">The surroundings.</param>
    /// <param name="isShared">Rows commit in the batches of others too (<see cref="KvCompanion"/>).</param>
    public KvKeyspace(LogEngine log, LogKeyspace keyspace, KvInventory found, RisingClock time, LogOptions options, StoreContext context, bool isShared = false)
    {
        IsShared = isShared;
        (_log, _keyspace, _time, _name, _maxIndexBytes) = (log, keyspace, time, options.Name, options.MaxIndexBytes);
        (_clock, _buffers, _logger) = (context.Clock, context.Buffers, context.Loggers.CreateLogger<KvKeyspace>());
        (_expiries, _entries, _bytes) = (found.Expiries, found.Entries, found.Bytes);
        _stampKey = KvStampRecord.KeyOf(keyspace);
        _syncsStamps = options.Durability != DiskDurability.Flush;
        SeeLastChange(found);
        _last = _reserved = IssuedStamps(found).Counter;
        _timer = _clock.CreateTimer(static state => ((KvKeyspace)state!).Wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _sweeper = SweepAsync(_closing.Token);
    }

    /// <summary>Entries, expired ones that are not removed yet among them.</summary>
    public long Entries => Interlocked.Read(ref _entries);

    /// <summary>Bytes of the entries as they are in the log.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>The last commit; what is issued here has no suffix.</summary>
    public Versionstamp LastCommit => new(Volatile.Read(ref _last));

    /// <summary>
    /// Others commit beside the one writer. What that judges a group by it then expects at the commit, where it would else hold
    /// by itself.
    /// </summary>
    private bool IsShared { get; }

    /// <summary>Memory for the order of expiry, bytes.</summary>
    public long ExpiryBytes => _expiries.Bytes;

    /// <summary>Entries removed because they had expired.</summary>
    public long Expirations => Interlocked.Read(ref _expirations);

    /// <summary>Ends the sweeps and writes down the last versionstamp and the time. Nobody may read or write any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await _sweeper.ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        try
        {
            if (_last > 0) await WriteStampAsync(_last).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            _logger.LogWarning(e, "Cannot write the last versionstamp of the database '{Store}' at close; the limit persisted before stays in force", _name);
        }

        _closing.Dispose();
        _commits.Dispose();
        _expiries.Dispose();
    }

    private ReadOnlySpan<byte> Of(ReadOnlySpan<byte> key, Span<byte> room)
    {
        room[0] = (byte)_keyspace;
        key.CopyTo(room[1..]);
        return room[..(1 + key.Length)];
    }

    private static bool IsTombstone(LogLocation location) => (location.Flags & LogEntryFlags.Tombstone) != LogEntryFlags.None;

    private static bool IsDamage(StorageException e) => e.Kind == StorageErrorKind.Corrupt;

    /// <summary>After a crash too the time is not earlier than that of the last change.</summary>
    private void SeeLastChange(KvInventory found)
    {
        if (found.Last.IsEmpty) return;
        try
        {
            if (!_log.TryReadLatest(found.Last, out LogEntry entry)) return;
            using (entry) _time.Saw(KvRecord.Read(entry.View.Head, _name).Written);
        }
        catch (StorageException e) when (IsDamage(e))
        {
            _logger.LogError(e, "The last change of the database '{Store}' is damaged; the time goes on from the clock", _name);
        }
    }

    /// <summary>The highest versionstamp that may have been issued.</summary>
    private Versionstamp IssuedStamps(KvInventory found)
    {
        try
        {
            if (_log.TryRead(_stampKey, out LogEntry entry))
            {
                using (entry)
                {
                    if (KvStampRecord.TryRead(entry.View.Head, out Versionstamp limit, out long time))
                    {
                        _time.Saw(time);
                        return limit;
                    }

                    throw new StorageException(StorageErrorKind.Unsupported, $"The record of versionstamps of the database '{_name}' is of a format that this version of Strata does not know.") { Operation = "open", Store = _name };
                }
            }
        }
        catch (StorageException e) when (IsDamage(e))
        {
            _logger.LogError(e, "The record of versionstamps of the database '{Store}' is damaged", _name);
        }

        if (found.Last.IsEmpty) return Versionstamp.None;

        // What was deleted since, or set nothing, had higher ones: as many as are set aside at a time, or fewer.
        var beyond = new Versionstamp(HighestStamp().Counter + StampsAhead);
        _logger.LogError("The database '{Store}' has lost the record of its versionstamps; they go on from {Stamp}, beyond all that are found", _name, beyond);
        return beyond;
    }

    private Versionstamp HighestStamp()
    {
        const int AtOnce = 256;
        Versionstamp highest = Versionstamp.None;
        var keys = new LogScanBuffer();
        byte[] next = [(byte)_keyspace];
        while (_log.Scan(new LogScan(next, [(byte)(_keyspace + 1)], AtOnce), keys) is > 0 and int count)
        {
            for (int i = 0; i < count; i++)
            {
                Versionstamp stamp = StampAt(keys.Key(i));
                if (stamp > highest) highest = stamp;
            }

            next = [.. keys.Key(count - 1), 0];
        }

        return highest;
    }

    private Versionstamp StampAt(ReadOnlySpan<byte> key)
    {
        try
        {
            if (!_log.TryReadLatest(key, out LogEntry entry)) return Versionstamp.None;
            using (entry) return KvRecord.Read(entry.View.Head, _name).Versionstamp;
        }
        catch (StorageException e) when (IsDamage(e))
        {
            return Versionstamp.None;
        }
    }
}
