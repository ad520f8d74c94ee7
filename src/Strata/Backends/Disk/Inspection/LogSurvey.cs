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
    private ulong _identity;
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
            && header.IsIntact(bytes, segment.Header.Seed);
    }

    public void Dispose()
    {
        _sources.Dispose();
        foreach (LogSegmentView segment in _byIncarnation.Values) segment.File.Dispose();
    }

    private void ReadSegments()
    {
        if (LogRepair.IsUnfinished(Folder.Disk.Path)) Notes.Add("This is what a repair has written that was stopped before its end: most of it may be missing.");
        var replaced = new Dictionary<uint, List<uint>>();
        var wrong = new Dictionary<uint, string>();
        byte[] head = new byte[LogSegmentHeader.FramesAt];
        foreach (uint incarnation in Folder.Segments)
        {
            ILogFile file = Folder.Disk.Open(LogSegmentFiles.NameOf(incarnation));
            ReadOnlySpan<byte> bytes = head.AsSpan(0, file.Read(0, head));
            string? fault = LogSegmentHeader.Read(bytes, out LogSegmentHeader header);
            if (fault is not null && LogSegmentHeader.IsWhole(bytes))
            {
                file.Dispose();
                Damages.Add(new LogDamage { File = LogSegmentFiles.NameOf(incarnation), What = $"{fault}; what is in it cannot be told", Loss = LogLoss.Unknown });
                continue;
            }

            if (fault is null && header.Incarnation != incarnation) fault = LogSegmentHeader.EarlierUse;
            var list = new List<uint>();
            if (fault is null && !LogReplacedSegments.TryRead(bytes[LogSegmentHeader.Bytes..], list)) fault = "its list of replaced segments is damaged";
            replaced.Add(incarnation, list);
            _byIncarnation.Add(incarnation, new LogSegmentView(incarnation, header, file));
            if (fault is not null) wrong.Add(incarnation, fault);
        }

        LeaveOutStrangers();
        HashSet<uint> gone = [.. replaced.Where(r => _byIncarnation.ContainsKey(r.Key)).SelectMany(r => r.Value)];
        Segments.AddRange(_byIncarnation.Values.Where(s => !gone.Contains(s.Incarnation)).OrderByDescending(s => s.Incarnation));
        foreach (LogSegmentView segment in Segments.ToArray())
        {
            if (!wrong.TryGetValue(segment.Incarnation, out string? fault)) Note(segment.Header);
            Take(segment, fault);
        }
    }

    /// <summary>Finds out which log this is, by most of the segments or, where no head can be read, of the hints. What is of another does not count.</summary>
    private void LeaveOutStrangers()
    {
        (uint Incarnation, ulong Identity)[] stated = [.. _byIncarnation.Values.Where(s => s.Header.Incarnation == s.Incarnation).Select(s => (s.Incarnation, s.Header.Identity))];
        if (stated.Length == 0) stated = [.. _byIncarnation.Keys.Select(i => (Incarnation: i, Identity: LogHint.IdentityOf(Folder.Disk, i))).Where(s => s.Identity != LogIdentity.None)];
        IReadOnlyList<IReadOnlyList<uint>> logs = LogIdentity.Group(stated);
        if (logs.Count == 0) return;
        _identity = stated.First(s => s.Incarnation == logs[0][0]).Identity;
        foreach (uint incarnation in logs.Skip(1).SelectMany(l => l))
        {
            const string what = "it is of another log than most segments here, and is left out; the log does not open while it is there. If it has taken the place of a segment of this log, what that held is lost";
            _byIncarnation.Remove(incarnation, out LogSegmentView? stranger);
            stranger!.File.Dispose();
            Damages.Add(new LogDamage { File = stranger.Name, What = what, Loss = LogLoss.Nothing });
        }
    }

    private void Note(in LogSegmentHeader header)
    {
        Last = Math.Max(Last, Math.Max(header.Durable, header.Kind == LogSegmentKind.Appended && header.First > 0 ? header.First - 1 : 0));
        _durable = Math.Max(_durable, header.Durable);
    }

    private void Take(LogSegmentView segment, string? fault)
    {
        ulong identity = _identity == LogIdentity.None ? segment.Header.Identity : _identity;
        var hint = LogHint.TryOpen(Folder.Disk, identity, segment.Incarnation, out string? damage);
        if (damage is not null) AddHintDamage(segment, damage);
        if (fault is not null && !TakeWithoutHead(segment, fault, identity, hint))
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
        if (segment.State != LogSegmentState.Damaged) segment.State = _voids.TryGetValue(segment.Incarnation, out LogVoid end) && end.End >= segment.End ? LogSegmentState.Cut : LogSegmentState.Sealed;
        if (_isThorough) Scan(segment, hint);
        else _sources.Add(hint);
        if (header.Kind == LogSegmentKind.Appended) _isTailFound = true;
    }

    /// <summary>Finds out what the head would say. False: nothing can be read in the segment.</summary>
    private bool TakeWithoutHead(LogSegmentView segment, string fault, ulong identity, LogHint? hint)
    {
        bool isFound = LogSegmentScanner.TryFindHead(segment.File, identity, segment.Incarnation, out LogSegmentHeader header);
        if (hint is not null && (!isFound || header.Kind != hint.Header.Kind)) header = header with { Kind = hint.Header.Kind, First = Math.Max(1, hint.Header.First) };
        if (isFound || hint is not null)
        {
            segment.Header = header;
            segment.State = LogSegmentState.Damaged;
            Damages.Add(new LogDamage { File = segment.Name, Length = LogSegmentHeader.Bytes, What = fault, Loss = LogLoss.Nothing });
            return true;
        }

        if (fault == LogSegmentHeader.EarlierUse || segment.IsEmpty()) Notes.Add($"{segment.Name} was never begun ({fault}); the next opening removes it.");
        else Damages.Add(new LogDamage { File = segment.Name, Length = segment.FileBytes, What = $"{fault}, and nothing in it is intact: either a crash ended its creation, then it held nothing, or all of it is damaged. The next opening removes it", Loss = LogLoss.Unknown });
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
