using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// An ordered KV in a folder, for this process alone: a thin face over a log-structured engine. What Strata itself stands on,
/// and the embedded default.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the log's, of the batch that all writes become which wait at the same time: with
/// <see cref="DiskDurability.Flush"/> its fdatasync, which they share. A crash leaves a write whole or not at all.</para>
/// <para><b>Cost:</b> every key is in memory, at most its bytes and 32 more (for keys of 16 to 100 bytes), and once again with
/// 8 more if it expires; deleted ones too, until compaction has passed. A read of one key is one look-up and one read; a read
/// of ranges gathers places first, without keeping writers off unless they keep it from seeing one instant. It passes over
/// deleted keys one by one until compaction has taken them (a million: some 50 ms), and over expired ones until they are
/// removed, seconds after their time (a million at once: a second or two, and 160 MB while the read lasts). Opening reads
/// keys, not values. The folder takes up to about twice what counts.</para>
/// <para>Versionstamps rise by one from commit to commit; after a crash, and after a write that the disk refused, some are left
/// out. The format is in docs/formats/key-values.md.</para>
/// </remarks>
public sealed class DiskKvDatabase : IKvDatabase, IKvStatistics
{
    /// <summary>What an entry takes in a batch beside key and value, with the versionstamp that may be appended to its key.</summary>
    private const int MutationBytes = 96;
    private readonly FolderLock _lock;
    private readonly LogEngine _log;
    private readonly KvKeyspace _keyspace;
    private readonly KvWatchers _watchers;
    private readonly KvWriter _writer;
    private readonly OperationGate _gate;

    private DiskKvDatabase(DiskKvDatabaseOptions options, FolderLock held, LogEngine log, KvKeyspace keyspace, StoreContext context)
    {
        (_lock, _log, _keyspace) = (held, log, keyspace);
        _watchers = new KvWatchers(context.Clock, options.Name);
        _writer = new KvWriter(keyspace.CommitAsync, _watchers);
        _gate = new OperationGate(options.Name);
        Capabilities = new KvCapabilities { Database = options.Name, Limits = options.Limits };
    }

    /// <inheritdoc/>
    public KvCapabilities Capabilities { get; }

    /// <summary>Takes the folder and reads which keys are in it.</summary>
    /// <exception cref="StorageException">Of kind Owned, AccessDenied, Full, Unavailable; Corrupt: what was durable is damaged; Unsupported: the folder is of another version, or holds something else.</exception>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    public static async ValueTask<DiskKvDatabase> OpenAsync(DiskKvDatabaseOptions options, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        Check(options);
        context ??= StoreContext.Default;
        string path = Path.GetFullPath(options.Path);
        FolderLock held = await Task.Run(() => FolderLock.Take(path, options.Name), cancellationToken).ConfigureAwait(false);
        LogEngine? log = null;
        var found = new KvInventory(LogKeyspace.KeyValues);
        try
        {
            var time = new RisingClock(context.Clock);
            LogOptions settings = SettingsOf(options, time, found);
            log = await Task.Run(() => LogEngine.Open(settings, options.Disk ?? new SystemDisk(path), context), CancellationToken.None).ConfigureAwait(false);
            if (found.HasOthers) throw new StorageException(StorageErrorKind.Unsupported, $"The folder {path} holds the log of a blob store, not that of a KV database alone. Give the database a folder of its own.") { Operation = "open", Store = options.Name };
            LogEngine opened = log;
            return await Task.Run(() => new DiskKvDatabase(options, held, opened, new KvKeyspace(opened, LogKeyspace.KeyValues, found, time, settings, context), context), CancellationToken.None).ConfigureAwait(false);
        }
        catch
        {
            found.Expiries.Dispose();
            if (log is not null) await log.DisposeAsync().ConfigureAwait(false);
            held.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _gate.Enter("read");
        Capabilities.Limits.Check(ranges);
        cancellationToken.ThrowIfCancellationRequested();
        return new(_keyspace.Read(ranges));
    }

    /// <inheritdoc/>
    public async ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _gate.Enter("write");
        Capabilities.Limits.Check(write);
        return await _writer.WriteAsync(write, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _gate.Enter("watch");
        Capabilities.Limits.Check(keys);

        // A watch lasts: what the caller does with its memory afterwards is its own affair.
        ReadOnlyMemory<byte>[] watched = [.. keys.Select(k => (ReadOnlyMemory<byte>)k.ToArray())];
        return _watchers.WatchAsync(ReadWatchedAsync, watched, cancellationToken);
    }

    /// <inheritdoc/>
    public KvStatistics GetStatistics()
    {
        LogStatistics log = _log.GetStatistics();
        return new KvStatistics
        {
            Entries = _keyspace.Entries,
            Bytes = _keyspace.Bytes,
            IndexBytes = log.IndexBytes + _keyspace.ExpiryBytes,
            FileBytes = log.FileBytes,
            Fault = log.ReadOnlyBecause is { } why ? $"It takes no writes until it is opened again, because {why}."
                : log.LastBackgroundError is { } compaction ? $"Compaction is in trouble: {compaction}"
                : null,
            Expirations = _keyspace.Expirations,
            Watches = _watchers.Count,
            LastCommit = _keyspace.LastCommit,
        };
    }

    /// <summary>What the engine under the database holds and does.</summary>
    internal LogStatistics GetLogStatistics() => _log.GetStatistics();

    /// <summary>The engine, for tests that want its compaction.</summary>
    internal LogEngine Log => _log;

    /// <summary>Ends the watches, waits for what is under way, puts all of it on the medium, then gives the folder free.</summary>
    public async ValueTask DisposeAsync()
    {
        _watchers.Close();
        if (!await _gate.CloseAsync().ConfigureAwait(false)) return;
        try
        {
            await Owned.DisposeAllAsync([_keyspace, _log]).ConfigureAwait(false);
        }
        finally
        {
            _lock.Dispose();
        }
    }

    private ValueTask<IReadOnlyList<KvRange>> ReadWatchedAsync(IReadOnlyList<ReadRange> ranges, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _gate.Enter("watch");
        cancellationToken.ThrowIfCancellationRequested();
        return new(_keyspace.Read(ranges));
    }

    private static void Check(DiskKvDatabaseOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(options.Path);
        if (options.MaxIndexBytes < 1 << 20) throw new ArgumentException($"MaxIndexBytes must be 1 MiB or more; it is {options.MaxIndexBytes}.", nameof(options));
        if (options.CompactionBytesPerSecond < 1 << 20) throw new ArgumentException($"CompactionBytesPerSecond must be 1 MiB or more; it is {options.CompactionBytesPerSecond}.", nameof(options));
        if (options.SyncInterval <= TimeSpan.Zero) throw new ArgumentException("SyncInterval must be more than 0.", nameof(options));
        KvLimits limits = options.Limits ?? throw new ArgumentException("Limits must be given.", nameof(options));
        if (limits.MaxKeyBytes > KvKeyspace.MaxKeyBytes) throw new ArgumentException($"MaxKeyBytes may be {KvKeyspace.MaxKeyBytes} at most; it is {limits.MaxKeyBytes}.", nameof(options));
        long batch = limits.MaxWriteBytes + ((long)limits.MaxMutations * MutationBytes);
        if (batch > LogOptions.MaxBatchBytes - LogFrameHeader.Bytes) throw new ArgumentException($"MaxWriteBytes and {MutationBytes} bytes for each of MaxMutations may be {LogOptions.MaxBatchBytes - LogFrameHeader.Bytes} bytes at most; they are {batch}.", nameof(options));
    }

    private static LogOptions SettingsOf(DiskKvDatabaseOptions options, RisingClock time, KvInventory found)
    {
        var settings = new LogOptions
        {
            Name = options.Name,
            Durability = options.Durability,
            SyncInterval = options.SyncInterval,
            SegmentBytes = options.SegmentBytes,
            MapReads = options.MapReads,
            CompactionBytesPerSecond = options.CompactionBytesPerSecond,
            Now = () => time.Milliseconds,
            Recovered = found.Add,
        };
        return options.MaxIndexBytes is { } most ? settings with { MaxIndexBytes = most } : settings;
    }
}
