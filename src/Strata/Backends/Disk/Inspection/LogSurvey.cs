namespace Strata;

/// <summary>
/// What a log's folder holds, read without changing anything: beside its owner, then it may move meanwhile, or when it is
/// damaged and does not open. Follows the opening (<see cref="LogEngine"/>), but goes on behind damage.
/// </summary>
/// <remarks>
/// Not thorough it reads the hints, and of segments alone those that have none; thorough every byte of all segments.
/// Damage with a key is that of one entry; what it costs is known after <see cref="Visit"/>.
/// </remarks>
internal sealed partial class LogSurvey : IDisposable
{
    private const int Attempts = 5;
    private readonly bool _isThorough;
    private readonly bool _isShared;
    private readonly Action<long>? _progress;
    private readonly LogSources _sources = new();
    private readonly Dictionary<uint, LogSegmentView> _byIncarnation = [];
    private readonly Dictionary<uint, LogVoid> _voids = [];
    private ulong _durable;
    private bool _isTailFound;

    private LogSurvey(LogFolder folder, bool isThorough, bool isShared, Action<long>? progress)
    {
        Folder = folder;
        _isThorough = isThorough;
        _isShared = isShared;
        _progress = progress;
    }

    public LogFolder Folder { get; }

    /// <summary>The segments that count, the newest first.</summary>
    public List<LogSegmentView> Segments { get; } = [];

    public List<LogDamage> Damages { get; } = [];

    /// <summary>What is worth to be told and is no damage.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>The highest LSN that was found.</summary>
    public ulong Last { get; private set; }

    /// <summary>Reads a folder.</summary>
    /// <param name="path">The log's folder.</param>
    /// <param name="isThorough">Read all of every segment too.</param>
    /// <param name="isShared">Somebody owns it, and it may change meanwhile.</param>
    /// <param name="progress">Told how many bytes were read since it was told last.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static LogSurvey Read(string path, bool isThorough, bool isShared, Action<long>? progress = null)
    {
        for (int attempt = 1; ; attempt++)
        {
            var survey = new LogSurvey(LogFolder.Read(path), isThorough, isShared, progress);
            bool isRead = false;
            try
            {
                survey.ReadSegments();
                isRead = true;
                return survey;
            }
            catch (FileNotFoundException) when (isShared && attempt < Attempts)
            {
                // Its owner compacted a segment away: what was in it is in one that is not in the list.
            }
            finally
            {
                if (!isRead) survey.Dispose();
            }
        }
    }

    /// <summary>Goes through each key's latest entry, once; counts what is live, and finds out what each damage costs.</summary>
    /// <exception cref="IOException">A hint cannot be read any more.</exception>
    public void Visit(LogVisit? visit)
    {
        var sink = new Sink(this, visit);
        LogMerge.Run(_sources, ref sink);
    }

    /// <summary>Reads an entry.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="location">Where it should be.</param>
    /// <param name="buffer">Is made longer if it must.</param>
    /// <param name="header">Its head.</param>
    /// <returns>False: what is there is not this entry, whole.</returns>
    public bool TryRead(ReadOnlySpan<byte> key, LogLocation location, ref byte[] buffer, out LogEntryHeader header)
    {
        header = default;
        if (!_byIncarnation.TryGetValue(location.Segment, out LogSegmentView? segment)) return false;
        if (buffer.Length < location.Length) buffer = new byte[Math.Max(location.Length, 2 * buffer.Length)];
        Span<byte> bytes = buffer.AsSpan(0, location.Length);
        return segment.File.Read(location.Offset, bytes) == bytes.Length
            && LogEntryHeader.TryRead(bytes, out header)
            && header.Length == location.Length
            && bytes.Slice(LogEntryHeader.Bytes, header.KeyLength).SequenceEqual(key)
            && header.IsIntact(bytes, location.Segment);
    }

    public void Dispose()
    {
        _sources.Dispose();
        foreach (LogSegmentView segment in _byIncarnation.Values) segment.File.Dispose();
    }

    private void ReadSegments()
    {
        var replaced = new List<uint>();
        byte[] head = new byte[LogSegmentHeader.FramesAt];
        var wrong = new Dictionary<uint, string>();
        foreach (uint incarnation in Folder.Segments)
        {
            ILogFile file = Folder.Disk.Open(LogSegmentFiles.NameOf(incarnation));
            int read = file.Read(0, head);
            string? fault = LogSegmentHeader.Read(head.AsSpan(0, read), out LogSegmentHeader header);
            if (fault is null && header.Incarnation != incarnation) fault = "its head is of an earlier use";
            if (fault is null && !LogReplacedSegments.TryRead(head.AsSpan(LogSegmentHeader.Bytes, read - LogSegmentHeader.Bytes), replaced)) fault = "its list of replaced segments is damaged";
            _byIncarnation.Add(incarnation, new LogSegmentView(incarnation, header, file));
            if (fault is not null) wrong.Add(incarnation, fault);
        }

        Segments.AddRange(_byIncarnation.Values.Where(s => !replaced.Contains(s.Incarnation)).OrderByDescending(s => s.Incarnation));
        foreach (LogSegmentView segment in Segments.ToArray())
        {
            if (!wrong.TryGetValue(segment.Incarnation, out string? fault)) Note(segment.Header);
            Take(segment, fault);
        }
    }

    private void Note(in LogSegmentHeader header)
    {
        Last = Math.Max(Last, Math.Max(header.Durable, header.Kind == LogSegmentKind.Appended && header.First > 0 ? header.First - 1 : 0));
        _durable = Math.Max(_durable, header.Durable);
    }

    private void Take(LogSegmentView segment, string? fault)
    {
        var hint = LogHint.TryOpen(Folder.Disk, segment.Incarnation, out string? damage);
        if (damage is not null) AddHintDamage(segment, damage);
        if (fault is not null && !TakeWithoutHead(segment, fault, hint))
        {
            Segments.Remove(segment);
            return;
        }

        if (hint is null)
        {
            Scan(segment, null);
            return;
        }

        segment.Hint = LogHintState.Intact;
        LogHintHeader header = hint.Header;
        if (header.Void is { } cut) _voids[cut.Incarnation] = cut;
        (segment.First, segment.Last, segment.End, segment.Entries) = (header.First, header.Last, header.End, header.Count);
        Last = Math.Max(Last, header.Last);
        if (segment.State != LogSegmentState.Damaged) segment.State = _voids.ContainsKey(segment.Incarnation) ? LogSegmentState.Cut : LogSegmentState.Sealed;
        if (_isThorough) Scan(segment, hint);
        else _sources.Add(hint);
        if (header.Kind == LogSegmentKind.Appended) _isTailFound = true;
    }

    /// <summary>Finds out what the head would say. False: the segment was never begun.</summary>
    private bool TakeWithoutHead(LogSegmentView segment, string fault, LogHint? hint)
    {
        byte[] first = new byte[LogFrameHeader.Bytes];
        ulong sequence = segment.File.Read(LogSegmentHeader.FramesAt, first) == first.Length && LogFrameHeader.TryRead(first, out LogFrameHeader frame) ? frame.Sequence : 0;
        LogSegmentKind[] kinds = hint is null ? [LogSegmentKind.Appended, LogSegmentKind.Compacted] : [hint.Header.Kind];
        foreach (LogSegmentKind kind in kinds)
        {
            var header = new LogSegmentHeader(segment.Incarnation, kind, Math.Max(1, sequence), 0, (uint)segment.FileBytes);
            using var scanner = new LogSegmentScanner(segment.File, header);
            if (hint is null && (sequence == 0 || !scanner.MoveNextFrame())) continue;
            segment.Header = header;
            segment.State = LogSegmentState.Damaged;
            Damages.Add(new LogDamage { File = segment.Name, Length = LogSegmentHeader.Bytes, What = fault });
            return true;
        }

        Notes.Add($"{segment.Name} was never begun ({fault}); the next opening removes it.");
        return false;
    }

    private void AddHintDamage(LogSegmentView segment, string what)
    {
        segment.Hint = LogHintState.Damaged;
        Damages.Add(new LogDamage { File = LogSegmentFiles.HintNameOf(segment.Incarnation), What = $"{what}; its segment says the same and is read instead" });
    }

    /// <summary>Counts, and settles what damage costs.</summary>
    private readonly struct Sink : ILogMergeSink
    {
        private readonly LogSurvey _survey;
        private readonly LogVisit? _visit;
        private readonly Dictionary<byte[], List<LogDamage>> _damages = new(LogKeyComparer.Instance);

        public Sink(LogSurvey survey, LogVisit? visit)
        {
            _survey = survey;
            _visit = visit;
            foreach (LogDamage damage in survey.Damages)
            {
                if (damage.Key is not { } key) continue;
                if (_damages.TryGetValue(key, out List<LogDamage>? same)) same.Add(damage);
                else _damages.Add(key, [damage]);
            }
        }

        public void Add(ReadOnlySpan<byte> key, ulong sequence, LogLocation location, long expires)
        {
            if (_survey._byIncarnation.TryGetValue(location.Segment, out LogSegmentView? segment))
            {
                segment.LiveEntries++;
                segment.LiveBytes += location.Length;
            }

            if (_damages.Count > 0 && _damages.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out List<LogDamage>? damages))
            {
                foreach (LogDamage damage in damages)
                {
                    bool isReplaced = sequence > damage.Sequence || (sequence == damage.Sequence && !IsAt(damage, location));
                    if (isReplaced) damage.Loss = LogLoss.Nothing;
                }
            }

            _visit?.Invoke(key, sequence, location, expires);
        }

        private static bool IsAt(LogDamage damage, LogLocation location) =>
            damage.Offset == location.Offset && damage.File == LogSegmentFiles.NameOf(location.Segment);
    }
}
