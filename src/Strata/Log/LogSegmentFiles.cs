using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>The files of the segments: how they come, are recycled, and go.</summary>
/// <remarks>
/// A few spare files are kept: compaction frees several at once, and they are written twice as fast as new ones, whose
/// pages the system must find and clear first, and whose blocks each flush must record. The largest are kept: a log that has
/// grown takes no small ones. Some go again when nothing is written. What is held in reserve among them lets a full disk
/// still take deletes and compaction.
/// </remarks>
internal sealed class LogSegmentFiles(ILogDisk disk, LogOptions options, ILogger log)
{
    public const string Folder = "segments";
    private const int FirstCapacity = 1 << 20, Reserves = 2, RestingSpares = 4, MostSpares = 10;
    private const uint ReserveCapacity = 256 << 10;
    private const long BusyCapacity = 16 << 20;
    private static readonly TimeSpan BusyTime = TimeSpan.FromSeconds(2);
    private readonly Lock _gate = new();
    private readonly List<Spare> _spares = [];
    private readonly List<LogSegment> _left = [];

    /// <summary>Segments whose names a loss of power could still bring back, and the spares that their files are.</summary>
    private readonly List<LogSegment> _going = [];
    private readonly List<Spare> _unnamed = [];
    private uint _lastIncarnation;
    private int _lastSpare;
    private long _begun;
    private long _busyCapacity;
    private long _unlinked;

    /// <summary>The log's folder, for messages.</summary>
    public string Path => disk.Path;

    public int Spares
    {
        get
        {
            lock (_gate) return _spares.Count + _unnamed.Count;
        }
    }

    public long SpareBytes
    {
        get
        {
            lock (_gate) return _spares.Concat(_unnamed).Sum(s => (long)s.Capacity);
        }
    }

    /// <summary>The log's identity: a new one, until the opening finds what the log has.</summary>
    public ulong Identity { get; set; } = LogIdentity.Create();

    /// <summary>Files that are gone from the folder and wait for their last reader.</summary>
    public int Unlinked => (int)Interlocked.Read(ref _unlinked);

    /// <summary>Bytes that count, or about so; what new segments are sized by.</summary>
    public required Func<long> LiveBytes { get; init; }

    /// <summary>Segments that the log has let go, and that the next opening might find still: a call failed, or <see cref="SyncNames"/> has not come since.</summary>
    public IReadOnlyList<LogSegment> Left
    {
        get
        {
            lock (_gate) return [.. _left, .. _going];
        }
    }

    public static string NameOf(uint incarnation) => string.Create(CultureInfo.InvariantCulture, $"{Folder}/{incarnation:x8}.seg");

    public static string HintNameOf(uint incarnation) => string.Create(CultureInfo.InvariantCulture, $"{Folder}/{incarnation:x8}.hint");

    public static string TemporaryNameOf(uint incarnation) => string.Create(CultureInfo.InvariantCulture, $"{Folder}/{incarnation:x8}.tmp");

    /// <summary>No incarnation up to this one is given again.</summary>
    public void SkipTo(uint incarnation) => _lastIncarnation = Math.Max(_lastIncarnation, incarnation);

    /// <summary>Enters a file that was found and is not needed.</summary>
    public void AddSpare(string name, uint capacity)
    {
        if (int.TryParse(System.IO.Path.GetFileNameWithoutExtension(name)["spare-".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int number)) _lastSpare = Math.Max(_lastSpare, number);

        // It may be one that was held in reserve and never written.
        lock (_gate) _spares.Add(new Spare(name, capacity, IsWritten: false));
    }

    /// <summary>A new segment, its head durable and its name too; nothing of it is left behind by an error.</summary>
    /// <param name="kind">Its kind. A compacted one has a temporary name until <see cref="Publish"/>.</param>
    /// <param name="first">LSN of its first frame.</param>
    /// <param name="durable">Highest LSN that is durable.</param>
    /// <param name="needed">Bytes of frames that must fit.</param>
    /// <param name="isRelief">It is for deletes, voids or compaction, which may use what is held in reserve.</param>
    /// <param name="replaced">The segments that it takes the place of.</param>
    public LogSegment Create(LogSegmentKind kind, ulong first, ulong durable, long needed, bool isRelief, IReadOnlyList<LogSegment>? replaced = null)
    {
        uint incarnation;
        lock (_gate) incarnation = checked(++_lastIncarnation);
        string name = kind == LogSegmentKind.Compacted ? TemporaryNameOf(incarnation) : NameOf(incarnation);
        long least = LogSegmentHeader.FramesAt + needed + LogFrameHeader.Bytes;
        ILogFile file = Take(name, least, kind == LogSegmentKind.Compacted ? least : Math.Max(least, Desired()), isRelief, out uint capacity, out bool isRecycled);
        LogSegment? segment = null;
        try
        {
            byte[] head = new byte[LogSegmentHeader.FramesAt];
            var header = new LogSegmentHeader(Identity, incarnation, kind, first, durable, capacity);
            header.Write(head);
            LogReplacedSegments.Write(head.AsSpan(LogSegmentHeader.Bytes), replaced ?? []);
            file.Write(0, head);
            file.Sync();
            SyncNames();
            segment = new LogSegment(header, file, options.MapReads ? file.Map(capacity) : null, Abandoned)
            {
                CleanAsOf = first - 1,
                WrittenBefore = isRecycled ? capacity : LogSegmentHeader.FramesAt,
            };
        }
        finally
        {
            if (segment is null) Abandon(file, name);
        }

        if (kind == LogSegmentKind.Appended) KeepReserve(capacity);
        return segment;
    }

    /// <summary>A segment that was found at the opening.</summary>
    public LogSegment Open(in LogSegmentHeader header, ILogFile file, uint end)
    {
        // A mapping beyond the end of a shortened file would end the process when it is read.
        long length = file.Length;
        return new LogSegment(header with { Capacity = (uint)length }, file, options.MapReads ? file.Map(length) : null, Abandoned) { End = end, IsSealed = true, IsSettled = true, WrittenBefore = (uint)length };
    }

    /// <summary>Gives a compacted segment its name, durably, and with it all names that were changed before.</summary>
    public void Publish(LogSegment segment)
    {
        string temporary = TemporaryNameOf(segment.Incarnation), name = NameOf(segment.Incarnation);
        try
        {
            disk.Rename(temporary, name);
            SyncNames();
        }
        catch
        {
            // It must not be found by the next opening, while this log goes on without it. What failed may have been done.
            if (disk.Exists(name)) disk.Rename(name, temporary);
            throw;
        }
    }

    /// <summary>
    /// Lets a segment go that nothing needs any more: recycled if nobody reads it, else gone with its last reader. It is gone
    /// durably with the next <see cref="SyncNames"/>, which each new segment brings; until then, or after an error, it is one
    /// of <see cref="Left"/>.
    /// </summary>
    public void Retire(LogSegment segment, bool isPublished = true)
    {
        try
        {
            LetGo(segment, isPublished ? NameOf(segment.Incarnation) : TemporaryNameOf(segment.Incarnation));
            disk.Delete(HintNameOf(segment.Incarnation));
            lock (_gate) _going.Add(segment);
        }
        catch
        {
            lock (_gate) _left.Add(segment);
            throw;
        }

        RemoveSpares(MostSpares);
    }

    /// <summary>Puts all names on the medium that were changed so far. What was recycled may be taken from then on: before, a loss of power could give it its old name back, with the head of another segment in it.</summary>
    public void SyncNames()
    {
        LogSegment[] gone;
        Spare[] named;
        lock (_gate) (gone, named) = ([.. _going], [.. _unnamed]);
        try
        {
            disk.SyncFolder(Folder);
        }
        catch
        {
            lock (_gate)
            {
                _left.AddRange(gone.Where(_going.Remove));
            }

            throw;
        }

        lock (_gate)
        {
            _going.RemoveAll(gone.Contains);
            foreach (Spare spare in named)
            {
                // Others may have synced at the same time.
                if (_unnamed.Remove(spare)) _spares.Add(spare);
            }
        }
    }

    /// <summary>Tries again to remove what is left after an error.</summary>
    public void RemoveLeft()
    {
        LogSegment[] left;
        lock (_gate) left = [.. _left];
        foreach (LogSegment segment in left)
        {
            disk.Delete(NameOf(segment.Incarnation));
            disk.Delete(TemporaryNameOf(segment.Incarnation));
            disk.Delete(HintNameOf(segment.Incarnation));
            SyncNames();
            lock (_gate) _left.Remove(segment);
        }
    }

    /// <summary>Gives up a spare, for room on a full disk.</summary>
    /// <returns>False: there is none.</returns>
    public bool GiveUpSpare()
    {
        SyncNames();
        Spare given;
        lock (_gate)
        {
            if (_spares.Count == 0) return false;
            given = _spares.MinBy(s => s.Capacity);
            _spares.Remove(given);
        }

        disk.Delete(given.Name);
        return true;
    }

    private void LetGo(LogSegment segment, string name)
    {
        if (segment.TryRetire())
        {
            segment.Close();
            Recycle(name, segment.Capacity);
            return;
        }

        Interlocked.Increment(ref _unlinked);
        try
        {
            disk.Delete(name);
        }
        finally
        {
            segment.Release();
        }
    }

    private void Recycle(string name, uint capacity)
    {
        Spare spare;
        lock (_gate) spare = new Spare(SpareName(), capacity, IsWritten: true);
        disk.Rename(name, spare.Name);
        lock (_gate) _unnamed.Add(spare);
    }

    /// <summary>Removes spares beyond those that are kept when nothing is written.</summary>
    public void RemoveIdleSpares() => RemoveSpares(RestingSpares);

    /// <summary>Removes the smallest, until there are no more than so many.</summary>
    private void RemoveSpares(int most)
    {
        List<Spare> needless;
        lock (_gate)
        {
            needless = [.. _spares.OrderBy(s => s.Capacity).Take(Math.Max(0, _spares.Count - most))];
            _spares.RemoveAll(needless.Contains);
        }

        foreach (Spare spare in needless) disk.Delete(spare.Name);
    }

    private bool HasUnnamed()
    {
        lock (_gate) return _unnamed.Count > 0;
    }

    private string SpareName() => string.Create(CultureInfo.InvariantCulture, $"{Folder}/spare-{++_lastSpare}.seg");

    private ILogFile Take(string name, long least, long desired, bool isRelief, out uint capacity, out bool isRecycled)
    {
        if (TakeSpare(name, least, desired, 0, out capacity, out isRecycled) is { } spare) return spare;
        if (HasUnnamed())
        {
            SyncNames();
            if (TakeSpare(name, least, desired, 0, out capacity, out isRecycled) is { } recycled) return recycled;
        }

        IOException? full = null;
        for (long size = desired; ; size = Math.Max(least, size / 2))
        {
            try
            {
                capacity = checked((uint)size);
                ILogFile file = disk.Create(name, size);
                isRecycled = false;
                return file;
            }
            catch (IOException e) when (DiskErrors.IsFull(e))
            {
                full = e;
            }

            if (size == least) break;
        }

        return (isRelief ? TakeSpare(name, least, least, Reserves, out capacity, out isRecycled) : null) ?? throw full;
    }

    /// <param name="name">Its new name.</param>
    /// <param name="least">Bytes that it must have.</param>
    /// <param name="desired">Without a reserve to draw on, bytes that it should have.</param>
    /// <param name="reserve">How many of those held in reserve may be taken.</param>
    /// <param name="capacity">Bytes that it has.</param>
    /// <param name="isRecycled">All of it was written before.</param>
    private ILogFile? TakeSpare(string name, long least, long desired, int reserve, out uint capacity, out bool isRecycled)
    {
        // What compaction makes stays as it is for long: what it does not fill would be lost to everybody.
        long most = desired == least ? 2 * least : long.MaxValue;
        capacity = 0;
        isRecycled = false;
        while (true)
        {
            Spare taken;
            lock (_gate)
            {
                if (_spares.Count <= Reserves - reserve) return null;
                Spare[] fitting = [.. _spares.Where(s => s.Capacity >= (reserve > 0 ? least : Math.Max(least, desired / 2)) && (reserve > 0 || s.Capacity <= most)).OrderByDescending(s => s.IsWritten).ThenBy(s => s.Capacity)];
                if (fitting.Length == 0) return null;
                taken = fitting[0];
                _spares.Remove(taken);
            }

            try
            {
                disk.Rename(taken.Name, name);
                (capacity, isRecycled) = (taken.Capacity, taken.IsWritten);
                return disk.Open(name);
            }
            catch (Exception e) when (DiskErrors.IsDiskError(e))
            {
                // Nobody knows which name it has now. Were it kept, every segment from here on would be refused for it.
                log.LogWarning(e, "Cannot take the spare file {Name} of the log '{Store}'; another takes its place", taken.Name, options.Name);
                disk.Delete(name);
            }
        }
    }

    /// <summary>
    /// A quarter of what counts, so that a young log is small and a large one has few files; more for one that fills its
    /// segments within seconds, since each costs some flushes. On a disk that is nearly full an eighth of what is free, so
    /// that compaction finds a place for what it moves.
    /// </summary>
    private long Desired()
    {
        long now = Stopwatch.GetTimestamp();
        _busyCapacity = Stopwatch.GetElapsedTime(_begun, now) > BusyTime ? 0 : Math.Min(BusyCapacity, Math.Max(FirstCapacity, 2 * _busyCapacity));
        _begun = now;
        long most = Math.Clamp((long)BitOperations.RoundUpToPowerOf2((ulong)(disk.FreeBytes / 16)), LogOptions.MinSegmentBytes, options.SegmentBytes);
        long wanted = Math.Max(_busyCapacity, (long)BitOperations.RoundUpToPowerOf2((ulong)(LiveBytes() / 4)));
        return Math.Min(most, Math.Clamp(wanted, Math.Min(FirstCapacity, options.SegmentBytes), options.SegmentBytes));
    }

    /// <summary>Holds in reserve a small file for deletes and one for what compaction moves out of a segment like the last.</summary>
    private void KeepReserve(uint capacity)
    {
        try
        {
            while (true)
            {
                string name;
                uint size;
                lock (_gate)
                {
                    bool isLargeThere = _spares.Exists(s => s.Capacity >= capacity);
                    if (isLargeThere && _spares.Count >= Reserves) return;
                    size = isLargeThere ? Math.Min(capacity, ReserveCapacity) : capacity;
                    name = SpareName();
                }

                disk.Create(name, size).Dispose();
                lock (_gate) _spares.Add(new Spare(name, size, IsWritten: false));
            }
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            log.LogDebug(e, "No room to hold in reserve for the log '{Store}'", options.Name);
        }
    }

    private void Abandon(ILogFile file, string name)
    {
        file.Dispose();
        try
        {
            disk.Delete(name);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            log.LogWarning(e, "Cannot remove the unfinished segment {Name}; it is removed when the log is opened next", name);
        }
    }

    /// <summary>The last reader of a segment that is unlinked is gone.</summary>
    private void Abandoned(LogSegment segment)
    {
        segment.Close();
        Interlocked.Decrement(ref _unlinked);
    }

    /// <param name="Name">Its name.</param>
    /// <param name="Capacity">Bytes that it has.</param>
    /// <param name="IsWritten">It was a segment: each of its blocks was written, or nearly.</param>
    private readonly record struct Spare(string Name, uint Capacity, bool IsWritten);
}
