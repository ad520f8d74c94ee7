namespace Strata;

/// <summary>
/// Reads ranges of a log in the order of their keys, each as it was at one instant: places and leases of all that a scan
/// finds are gathered before the first entry is read. To be used again for the next range; one caller at a time.
/// </summary>
/// <remarks>
/// <para>It holds at most one lease for each entry found, from <see cref="Scan"/> until the next one, <see cref="Release"/> or
/// disposal: a segment that is let go meanwhile keeps its space until then, so do not hold it while somebody else is
/// waited for.</para>
/// <para>Neighbours in order lie anywhere in the log, and waiting for their memory would be most of what reading them
/// costs: some are asked for ahead.</para>
/// </remarks>
internal sealed unsafe class LogRangeReader(LogEngine log) : IDisposable
{
    /// <summary>How often places are gathered anew because compaction let go of a segment just then.</summary>
    private const int MostScans = 4;

    /// <summary>How much is asked for ahead: enough to keep memory busy, and no more than the nearest cache holds with what is being read.</summary>
    private const int BytesAhead = 6 << 10, MostOfOne = 2 << 10;

    private const int Slots = 64, NotLeased = -1;
    private readonly LogScanBuffer _found = new();
    private readonly List<LogSegment> _leased = [];

    /// <summary>Where among what is leased an incarnation is, by its lowest bits.</summary>
    private readonly Slot[] _slots = new Slot[Slots];
    private Place[] _places = [];
    private int _ahead;
    private LogEntry _kept;

    /// <summary>How many entries the scan found, tombstones among them.</summary>
    public int Count => _found.Count;

    /// <summary>False: some of it could not be leased. What is read of that is the key's latest entry, not the one found.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Memory that it keeps for the next scan, bytes.</summary>
    public int HeldBytes => _found.HeldBytes + (_places.Length * sizeof(Place));

    /// <summary>The key of an entry found.</summary>
    public ReadOnlySpan<byte> Key(int index) => _found.Key(index);

    /// <summary>Where the entry is, and of what kind; it is not read for that.</summary>
    public LogLocation Location(int index) => _found.Location(index);

    /// <summary>Finds the entries of a range, and keeps them as they are; what it held before is given back.</summary>
    /// <returns>How many; fewer than the limit only if there are no more.</returns>
    public int Scan(in LogScan range)
    {
        for (int scans = 1; ; scans++)
        {
            Release();
            log.Scan(range, _found);

            // Else the index knows by now where compaction put what was in a segment that is gone. What is still not
            // found after some times is looked up again when it is read, and reported there if it is lost.
            IsComplete = TryLeaseAll();
            if (IsComplete || scans == MostScans) return _found.Count;
        }
    }

    /// <summary>Reads an entry found; most quickly one after the other. It is valid until the next call.</summary>
    /// <returns>False: its segment was gone before it could be leased, and the key is not there any more.</returns>
    /// <exception cref="StorageException">Of kind Corrupt: what is there is not this key's entry, or does not match its checksum.</exception>
    public bool TryRead(int index, out LogEntryView entry)
    {
        LogLocation location = _found.At(index, out ReadOnlySpan<byte> key);
        ReadAhead(index);
        Place place = _places[index];
        if (place.At is null) return TryKeep(key, location, place.Leased, out entry);
        var bytes = new ReadOnlySpan<byte>(place.At, location.Length);
        log.Verify(key, location, _leased[place.Leased], bytes);
        entry = new LogEntryView(bytes, location);
        return true;
    }

    /// <summary>Gives back what it holds.</summary>
    public void Release()
    {
        _kept.Dispose();
        _kept = default;
        _found.Clear();
        _ahead = 0;
        if (_leased.Count == 0) return;
        foreach (LogSegment segment in _leased) segment.Release();
        _leased.Clear();
        Array.Clear(_slots);
    }

    public void Dispose() => Release();

    private bool TryLeaseAll()
    {
        int count = _found.Count;
        if (count > _places.Length) _places = new Place[Math.Max(count, 2 * _places.Length)];
        bool isComplete = true;
        long end = 0;
        for (int i = 0; i < count; i++)
        {
            LogLocation location = _found.Location(i);
            end += Math.Min(location.Length, MostOfOne);
            int leased = Lease(location.Segment);
            byte* at = null;
            if (leased == NotLeased) isComplete = false;
            else if (_leased[leased].Mapping is { } mapping && location.Offset + (long)location.Length <= mapping.Length) at = mapping.Pointer + location.Offset;
            _places[i] = new Place(at, leased, end);
        }

        return isComplete;
    }

    private int Lease(uint incarnation)
    {
        ref Slot slot = ref _slots[incarnation % Slots];
        if (slot.Incarnation == incarnation) return slot.Leased;
        if (!log.TryLease(incarnation, out LogSegment? segment)) return NotLeased;
        _leased.Add(segment);
        slot = new Slot(incarnation, _leased.Count - 1);
        return slot.Leased;
    }

    private void ReadAhead(int index)
    {
        long until = _places[index].End + BytesAhead;
        for (_ahead = Math.Max(_ahead, index); _ahead < _found.Count; _ahead++)
        {
            Place place = _places[_ahead];
            if (place.End > until && _ahead > index) return;
            if (place.At is not null) CacheLines.Prefetch(place.At, Math.Min(_found.Location(_ahead).Length, MostOfOne));
        }
    }

    /// <summary>Reads what is not mapped, or lost its segment before it was leased.</summary>
    private bool TryKeep(ReadOnlySpan<byte> key, LogLocation location, int leased, out LogEntryView entry)
    {
        _kept.Dispose();
        _kept = default;
        entry = default;
        if (leased != NotLeased) _kept = log.ReadBuffered(key, location, _leased[leased]);
        else if (!log.TryReadLatest(key, out _kept)) return false;
        entry = _kept.View;
        return true;
    }

    /// <param name="at">Where the entry is mapped; null: it is not.</param>
    /// <param name="leased">Its segment among those leased.</param>
    /// <param name="end">What is asked for ahead of it and all before it, bytes.</param>
    private readonly struct Place(byte* at, int leased, long end)
    {
        public byte* At => at;

        public int Leased => leased;

        public long End => end;
    }

    private readonly record struct Slot(uint Incarnation, int Leased);
}
