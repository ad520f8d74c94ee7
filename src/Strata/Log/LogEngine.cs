using System.Buffers;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// A log of batches with an ordered index in memory: the durable floor under the disk store and whatever must commit
/// together with it. In the manner of Bitcask (Sheehy and Smith, 2010). Format: docs/formats/log.md.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> with <see cref="DiskDurability.Flush"/> the fdatasync of the group that a batch is in, else
/// the write to the operating system. Only then do readers see it.</para>
/// <para><b>Cost:</b> a read looks the key up in memory without a lock and reads the entry once; a commit appends, and
/// shares its sync with all that wait at that moment; opening reads keys and places, not values; space beyond what is
/// live is bounded by compaction. The index holds every key, tombstones among them, at most key + 32 B each.</para>
/// </remarks>
internal sealed partial class LogEngine : IAsyncDisposable
{
    private readonly LogOptions _options;
    private readonly bool _flushes;
    private readonly ILogDisk _disk;
    private readonly ILogger _log;
    private readonly ArrayPool<byte> _buffers;
    private readonly TimeProvider _clock;
    private readonly OperationGate _gate;
    private readonly LogIndex _index = new(long.MaxValue);
    private readonly LogSegmentFiles _files;
    private readonly LogAppender _appender;
    private readonly LogCompactor _compactor;
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _syncing;

    /// <summary>Sealed by the group that is written now.</summary>
    private readonly List<LogSegment> _sealedNow = [];
    private volatile Dictionary<uint, LogSegment> _segments = [];

    private LogEngine(LogOptions options, ILogDisk disk, StoreContext context)
    {
        _options = options;
        _flushes = options.Durability == DiskDurability.Flush;
        _disk = disk;
        _clock = context.Clock;
        _log = context.Loggers.CreateLogger<LogEngine>();
        _buffers = context.Buffers;
        _gate = new OperationGate(options.Name);
        _files = new LogSegmentFiles(disk, options, _log) { LiveBytes = () => _segments.Values.Sum(s => s.LiveBytes) };
        _appender = new LogAppender(_files, options, _log, Enter, _sealedNow.Add);
        _compactor = new LogCompactor(this, _files, options, context);
        Recover();
        _compactor.Start();
        _syncing = options.Durability == DiskDurability.Interval ? SyncAsync(_closing.Token) : Task.CompletedTask;
    }

    internal IEnumerable<LogSegment> Segments => _segments.Values;

    internal ILogDisk Disk => _disk;

    internal LogAppender Appender => _appender;

    internal LogIndex Index => _index;

    /// <summary>Up to this LSN the index has all that counts. A commit is durable first: between the two it is neither refused nor found.</summary>
    internal ulong Visible => Volatile.Read(ref _visible);

    internal long TombstoneCount => Interlocked.Read(ref _tombstones);

    internal long Now => _options.Now?.Invoke() ?? _clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Reads what is there, keys and places, and mends what a crash left. Blocking.</summary>
    /// <exception cref="StorageException">Of kind Corrupt when something that was durable is damaged, AccessDenied, Full, Unavailable.</exception>
    public static LogEngine Open(LogOptions options, ILogDisk disk, StoreContext? context = null)
    {
        if (options.SegmentBytes is < LogOptions.MinSegmentBytes or > LogOptions.MaxSegmentBytes) throw new ArgumentException($"SegmentBytes must be 64 KiB to 64 MiB; it is {options.SegmentBytes}.", nameof(options));
        if (options.GarbageShare is < 0.1 or > 0.9) throw new ArgumentException($"GarbageShare must be 0.1 to 0.9; it is {options.GarbageShare}.", nameof(options));
        if (options.SyncInterval <= TimeSpan.Zero) throw new ArgumentException("SyncInterval must be more than 0.", nameof(options));
        try
        {
            return new LogEngine(options, disk, context ?? StoreContext.Default);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Map(e, "open", null, options.Name, disk.Path);
        }
    }

    /// <summary>Waits until all that was committed so far is on the medium.</summary>
    /// <exception cref="StorageException">It did not get there; the log is read-only.</exception>
    public async ValueTask FlushAsync()
    {
        using OperationGate.Pass pass = _gate.Enter("flush");
        if (_options.Durability == DiskDurability.Flush) return;
        try
        {
            await Task.Run(_appender.Sync).ConfigureAwait(false);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Map(e, "flush", null, _options.Name, _disk.Path, WriteOutcome.Unknown);
        }
    }

    /// <summary>Compacts until no segment has more garbage than this share; what a person asks for. Blocks a thread of the pool meanwhile.</summary>
    /// <returns>Bytes that were given free.</returns>
    /// <exception cref="StorageException">The disk refused; nothing is lost.</exception>
    public async Task<long> CompactAsync(double garbageShare, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = _gate.Enter("compact");
        try
        {
            return await Task.Run(() => _compactor.CompactAsync(garbageShare, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Map(e, "compact", null, _options.Name, _disk.Path);
        }
    }

    public LogStatistics GetStatistics()
    {
        Dictionary<uint, LogSegment> segments = _segments;
        long tombstones = TombstoneCount;
        return new LogStatistics
        {
            Keys = _index.Count - tombstones,
            Tombstones = tombstones,
            LiveBytes = segments.Values.Sum(s => s.LiveBytes),
            UsedBytes = segments.Values.Sum(s => (long)s.End - LogSegmentHeader.FramesAt),
            FileBytes = segments.Values.Sum(s => (long)s.Capacity) + _files.SpareBytes,
            Segments = segments.Count,
            SpareSegments = _files.Spares,
            UnlinkedSegments = _files.Unlinked,
            IndexBytes = _index.Bytes,
            Syncs = _appender.Syncs,
            Commits = Interlocked.Read(ref _commits),
            Compactions = _compactor.Compactions,
            CompactedBytes = _compactor.CompactedBytes,
            LastSequence = _appender.Last,
            DurableSequence = _appender.Durable,
            ReadOnlyBecause = _appender.ReadOnlyBecause,
            LastBackgroundError = _compactor.LastError,
        };
    }

    /// <summary>Waits for what is under way, seals the log's end, and gives everything back. Entries that are still held must be disposed before.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!await _gate.CloseAsync().ConfigureAwait(false)) return;
        await _closing.CancelAsync().ConfigureAwait(false);
        await _syncing.ConfigureAwait(false);
        try
        {
            await _compactor.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            await Task.Run(CloseFiles).ConfigureAwait(false);
            _closing.Dispose();
        }
    }

    private void CloseFiles()
    {
        try
        {
            _appender.Close();
            Settle();
            _compactor.WriteHints();
            _files.SyncNames();
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            _log.LogWarning(e, "The log of store '{Store}' was closed without all its hints; the next opening scans what has none", _options.Name);
        }

        foreach (LogSegment segment in _segments.Values)
        {
            // One that is still read closes with its last lease.
            if (segment.TryRetire()) segment.Close();
            else segment.Release();
        }

        _segments = [];
        _index.Dispose();
    }

    private async Task SyncAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(_options.SyncInterval, _clock);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
            {
                try
                {
                    _appender.Sync();
                }
                catch (Exception e)
                {
                    // After an error of the disk it is so already. Whatever it was: without its flushes the log must not go on.
                    if (_appender.ReadOnlyBecause is null) _appender.BecomeReadOnly("flushes in the background have ended", e);
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The log closes.
        }
    }
}
