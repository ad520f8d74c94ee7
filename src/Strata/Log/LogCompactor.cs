using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Keeps the log near the size of what it holds: writes the hints of sealed segments, and moves what still counts out of
/// segments that are mostly garbage, in the background.
/// </summary>
/// <remarks>
/// <para>It has a thread of its own: an application that keeps every thread of the pool busy must not keep space from
/// being given free.</para>
/// <para>A crash at any step loses nothing: the new segment has a temporary name until it and its hint are on the medium;
/// the old ones go after that, and an entry that is in both is taken from the newer.</para>
/// <para><b>Bound on space:</b> while it keeps up, every sealed segment holds at most <see cref="LogOptions.GarbageShare"/>
/// garbage. When garbage beyond that reaches as much as what is live and four segments more, whoever begins a segment finds
/// it, and writers wait.</para>
/// </remarks>
internal sealed partial class LogCompactor(LogEngine log, LogSegmentFiles files, LogOptions options, StoreContext context) : IAsyncDisposable
{
    private const long LeastGarbage = 4 << 10;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(1);
    private readonly ILogger _log = context.Loggers.CreateLogger<LogCompactor>();
    private readonly CancellationTokenSource _closing = new();
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly AutoResetEvent _due = new(false);
    private readonly Lock _roomGate = new();
    private volatile TaskCompletionSource? _room;
    private volatile bool _isDue;
    private volatile bool _isLook;
    private Thread? _worker;
    private ITimer? _timer;
    private uint _cleanedAt;
    private ulong _lastAtLook;
    private int _roomsMade;
    private long _compactions;
    private long _compactedBytes;

    public long Compactions => Interlocked.Read(ref _compactions);

    /// <summary>Bytes of entries that were moved.</summary>
    public long CompactedBytes => Interlocked.Read(ref _compactedBytes);

    /// <summary>The last failure, or null once it went well again.</summary>
    public string? LastError { get; private set; }

    public void Start()
    {
        _worker = new Thread(Work) { IsBackground = true, Name = $"strata-compaction {options.Name}" };
        _worker.Start();
        _timer = context.Clock.CreateTimer(static state => ((LogCompactor)state!).Look(), this, LookEvery, LookEvery);
    }

    public async ValueTask DisposeAsync()
    {
        if (_timer is not null) await _timer.DisposeAsync().ConfigureAwait(false);
        await _closing.CancelAsync().ConfigureAwait(false);
        _due.Set();
        if (_worker is { } worker) await Task.Run(worker.Join).ConfigureAwait(false);
        GiveRoom();
        _due.Dispose();
        _one.Dispose();
        _closing.Dispose();
    }

    /// <summary>A segment was sealed, and its entries can be found: it wants a hint, and may be compacted.</summary>
    public void SegmentSettled(LogSegment segment)
    {
        segment.IsSettled = true;
        LookAtRoom();
        Wake();
    }

    /// <summary>Something in a sealed segment counts no more.</summary>
    public void GarbageGrew(LogSegment segment)
    {
        if (!_isDue && IsDue(segment)) Wake();
    }

    /// <summary>False while writers must wait.</summary>
    public bool HasRoom => _room is null;

    /// <summary>Waits while there is so much garbage that compaction must catch up first.</summary>
    public ValueTask WaitForRoomAsync() => _room is { } room ? new ValueTask(room.Task) : default;

    /// <summary>Counts the times that segments were let go.</summary>
    public int RoomsMade => Volatile.Read(ref _roomsMade);

    /// <summary>Makes room on a full disk: compacts what has the most garbage, however little that is, until so many bytes are free.</summary>
    /// <param name="bytes">What is needed.</param>
    /// <param name="seen"><see cref="RoomsMade"/> before the disk was found full: if room was made since, there is nothing to do.</param>
    /// <returns>True if it is worth to try again.</returns>
    public async ValueTask<bool> TryMakeRoomAsync(long bytes, int seen)
    {
        const double LeastShare = 0.02;
        await _one.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (RoomsMade != seen) return true;
            return await Task.Run(() =>
            {
                long before = log.Segments.Sum(s => (long)s.Capacity), freed = 0;
                while (freed < bytes && PickVictims(LeastShare) is { Count: > 0 } victims)
                {
                    Compact([victims[0]]);
                    long now = before - log.Segments.Sum(s => (long)s.Capacity);
                    if (now <= freed) break;
                    freed = now;
                }

                return freed > 0;
            }).ConfigureAwait(false);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e) || e is StorageException)
        {
            LastError = e.Message;
            _log.LogWarning(e, "No room could be made for the log '{Store}' on a full disk", options.Name);
            return false;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Compacts until no segment has more garbage than this share; what a person asks for.</summary>
    /// <returns>Bytes that were given free.</returns>
    public async Task<long> CompactAsync(double garbageShare, CancellationToken cancellationToken)
    {
        long before = log.Segments.Sum(s => (long)s.Capacity);
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            TryTidyUp();
            while (!cancellationToken.IsCancellationRequested && PickVictims(garbageShare, cleans: true) is { Count: > 0 } victims) Compact(victims);

            // What could not be done before there was room must be done now, or told.
            files.RemoveLeft();
            WriteHints();
            files.SyncNames();
        }
        finally
        {
            _one.Release();
        }

        return before - log.Segments.Sum(s => (long)s.Capacity);
    }

    private void Look()
    {
        _isLook = true;
        Wake();
    }

    private void Wake()
    {
        if (_closing.IsCancellationRequested) return;
        _isDue = true;
        _due.Set();
    }

    private void Work()
    {
        CancellationToken closing = _closing.Token;
        while (true)
        {
            _due.WaitOne();
            if (closing.IsCancellationRequested) return;

            // Before the look: what becomes due from here on wakes it again.
            _isDue = false;
            _one.Wait(CancellationToken.None);
            try
            {
                string? left = TryTidyUp();
                LookAtRoom();
                RemoveIdleSpares();
                while (!closing.IsCancellationRequested && PickVictims(options.GarbageShare, cleans: true) is { Count: > 0 } victims)
                {
                    Rest(Compact(victims, isRoomWanted: false), closing);
                }

                int damaged = log.Segments.Count(s => s.IsDamaged);
                LastError = damaged == 0 ? left : $"{damaged} segments are damaged and are not compacted";
            }
            catch (Exception e)
            {
                LastError = e.Message;
                _log.LogWarning(e, "Compaction of the log '{Store}' failed; nothing is lost, and it is tried again", options.Name);
            }
            finally
            {
                // Whatever it was, nobody may wait for room that nobody makes.
                GiveRoom();
                _one.Release();
            }
        }
    }

    /// <summary>
    /// Keeps to the rate, unless there is so much garbage that compaction should not be slowed down. Whoever waits for room
    /// must not wait for this: each segment that is sealed wakes it. What is nothing but garbage by then goes at once, since
    /// that moves nothing and its files are wanted.
    /// </summary>
    private void Rest(long moved, CancellationToken closing)
    {
        if (moved == 0 || options.CompactionBytesPerSecond is not { } rate) return;
        var rest = TimeSpan.FromSeconds((double)moved / rate);
        long begun = Stopwatch.GetTimestamp();
        bool isWoken = false;

        // Garbage that grows is not to wake it all the time.
        _isDue = true;
        try
        {
            while (!LookAtRoom() && rest - Stopwatch.GetElapsedTime(begun) is { Ticks: > 0 } left && _due.WaitOne(left))
            {
                isWoken = true;
                if (closing.IsCancellationRequested) return;
                if (PickDead() is { Count: > 0 } dead) Compact(dead, isRoomWanted: false);
            }
        }
        finally
        {
            // What it was woken for may want more than that.
            _isDue = isWoken;
            if (isWoken) _due.Set();
        }
    }

    /// <summary>Does what is left to do besides. It keeps no compaction from going on, which may make the room that it wants.</summary>
    /// <returns>Why some of it is left still, or null.</returns>
    private string? TryTidyUp()
    {
        string? left = null;
        foreach (Action work in (Action[])[files.RemoveLeft, WriteHints])
        {
            try
            {
                work();
            }
            catch (Exception e) when (DiskErrors.IsDiskError(e))
            {
                left = e.Message;
                _log.LogWarning(e, "What is left to do beside the compaction of the log '{Store}' failed; nothing is lost, and it is tried again", options.Name);
            }
        }

        return left;
    }

    /// <summary>At the look that comes by the clock, if nothing was written since the one before.</summary>
    private void RemoveIdleSpares()
    {
        if (!_isLook) return;
        _isLook = false;
        ulong last = log.Appender.Last;
        if (_lastAtLook == last) files.RemoveIdleSpares();
        _lastAtLook = last;
    }

    private bool IsDue(LogSegment segment) => IsDue(segment, options.GarbageShare);

    /// <summary>The heads of frames and the seal are no garbage that writing them anew would save: without the least, a segment with one small entry would be written anew for ever.</summary>
    private static bool IsDue(LogSegment segment, double share) =>
        segment.LiveBytes == 0 || segment.GarbageBytes > Math.Max(LeastGarbage, share * (segment.End - LogSegmentHeader.FramesAt));

    /// <summary>Segments to be written anew as one: those with the most garbage, as many as fit into one.</summary>
    private List<LogSegment> PickVictims(double share, bool cleans = false)
    {
        List<LogSegment> victims = [];
        long live = 0;
        LogSegment[] sealedOnes = [.. log.Segments.Where(IsMovable)];
        if (PickDead() is { Count: > 0 } dead) return dead;
        if (cleans && IsCleaningDue() && sealedOnes.MinBy(s => s.CleanAsOf) is { } unclean) return [unclean];
        foreach (LogSegment segment in sealedOnes.Where(s => IsDue(s, share)).OrderBy(s => (double)s.LiveBytes / Math.Max(1, s.End)))
        {
            if (victims.Count > 0 && live + segment.LiveBytes > options.SegmentBytes / 8 * 7) break;
            victims.Add(segment);
            live += segment.LiveBytes;
        }

        if (victims.Count > 0) return victims;

        // Many small ones, as many openings leave them, become one.
        const int TooMany = 8;
        List<LogSegment> small = [.. sealedOnes.Where(s => s.LiveBytes < options.SegmentBytes / 16).OrderBy(s => s.LiveBytes).Take(4 * TooMany)];
        return small.Count >= TooMany ? small : [];
    }

    /// <summary>Segments in which nothing counts: they go without anything being moved, and before anything is.</summary>
    private List<LogSegment> PickDead() => [.. log.Segments.Where(s => s.LiveBytes == 0 && IsMovable(s))];

    /// <summary>Of a damaged one nothing can be moved, so it stays for as long as something in it counts.</summary>
    private bool IsMovable(LogSegment segment) => segment.IsSettled && (!segment.IsDamaged || segment.LiveBytes == 0) && !IsVoidNeeded(segment);

    /// <summary>
    /// True when tombstones wear the index out. They go once no segment can hold what they hide: so the segment that was
    /// looked through longest ago is written anew, before what has more garbage, since a busy log always has some; one for
    /// each that is begun, which bounds what is moved for it.
    /// </summary>
    private bool IsCleaningDue()
    {
        if (log.TombstoneCount < 10_000 || log.TombstoneCount < log.Index.Count / 4 || log.Appender.Active is not { } active || active.Incarnation == _cleanedAt) return false;
        _cleanedAt = active.Incarnation;
        return true;
    }

    /// <summary>Makes writers wait, or lets them go on.</summary>
    /// <returns>True when there is so much garbage that compaction should not be slowed down.</returns>
    private bool LookAtRoom()
    {
        long live = 0, garbage = 0;
        foreach (LogSegment segment in log.Segments)
        {
            live += segment.LiveBytes;
            if (segment.IsSettled && !segment.IsDamaged) garbage += segment.GarbageBytes;
        }

        long segmentBytes = log.Appender.Active?.Capacity ?? (uint)options.SegmentBytes;
        double beyond = garbage - (live * options.GarbageShare / (1 - options.GarbageShare));
        if (beyond <= live + (4L * segmentBytes)) GiveRoom();
        else lock (_roomGate) _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return beyond > (live / 2) + (2L * segmentBytes);
    }

    private void GiveRoom()
    {
        TaskCompletionSource? room;
        lock (_roomGate)
        {
            room = _room;
            _room = null;
        }

        room?.TrySetResult();
    }
}
