namespace Strata;

/// <summary>A segment as the running log knows it: its file, its mapping, its leases, what of it still counts.</summary>
internal sealed class LogSegment(LogSegmentHeader header, ILogFile file, LogMapping? mapping, Action<LogSegment> unused)
{
    private readonly Action<LogSegment> _unused = unused;
    private int _leases = 1;
    private long _live;

    public LogSegmentHeader Header { get; } = header;

    public uint Incarnation { get; } = header.Incarnation;

    public LogSeed Seed { get; } = header.Seed;

    public LogSegmentKind Kind => Header.Kind;

    public ILogFile File { get; } = file;

    public LogMapping? Mapping { get; } = mapping;

    /// <summary>Bytes of the file.</summary>
    public uint Capacity { get; } = header.Capacity;

    /// <summary>What a later segment says of this one's end, because a write or sync failed in it and it could not be sealed since.</summary>
    public LogVoid? Cut { get; set; }

    /// <summary>What this one says of an earlier one's end.</summary>
    public LogVoid? Void { get; set; }

    /// <summary>Where the next frame goes; of a sealed segment, where its seal ends.</summary>
    public uint End { get; set; } = LogSegmentHeader.FramesAt;

    /// <summary>The highest LSN of its entries; 0 while it has none.</summary>
    public ulong LastSequence { get; set; }

    /// <summary>It holds no entry that was superseded by one of this LSN or an older one.</summary>
    public ulong CleanAsOf { get; set; }

    /// <summary>No frame goes to it any more.</summary>
    public bool IsSealed { get; set; }

    /// <summary>It is sealed, and the index has all of its entries: only then may compaction ask the index which of them count.</summary>
    public bool IsSettled { get; set; }

    /// <summary>Compaction found it damaged: it stays as it is, for verify and repair.</summary>
    public bool IsDamaged { get; set; }

    /// <summary>Its hint file is durable.</summary>
    public bool HasHint { get; set; }

    /// <summary>Up to here the file's blocks were written before: a sync there costs a third less.</summary>
    public uint WrittenBefore { get; set; }

    /// <summary>From here on nothing was given to the medium yet, but for what the system chose to.</summary>
    public uint WriteBackFrom { get; set; }

    /// <summary>Bytes of entries that count, tombstones among them. Changed under the log's latch.</summary>
    public long LiveBytes => Volatile.Read(ref _live);

    /// <summary>Bytes of frames that do not count any more.</summary>
    public long GarbageBytes => End - LogSegmentHeader.FramesAt - LiveBytes;

    public void AddLive(long bytes) => Volatile.Write(ref _live, _live + bytes);

    /// <summary>A lease: while it is held the bytes stay as they are. False: the segment is gone.</summary>
    public bool TryAcquire()
    {
        int leases = Volatile.Read(ref _leases);
        while (leases > 0)
        {
            int seen = Interlocked.CompareExchange(ref _leases, leases + 1, leases);
            if (seen == leases) return true;
            leases = seen;
        }

        return false;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _leases) == 0) _unused(this);
    }

    /// <summary>Ends the log's own lease if nobody holds another: from then on nobody can, and the file may be recycled.</summary>
    public bool TryRetire() => Interlocked.CompareExchange(ref _leases, 0, 1) == 1;

    /// <summary>Gives the mapping and the file back; nobody may hold a lease.</summary>
    public void Close()
    {
        (Mapping as IDisposable)?.Dispose();
        File.Dispose();
    }
}
