namespace Strata;

/// <summary>Reads all of a log's folder, values too, and says what is damaged and what that costs. Changes nothing.</summary>
internal sealed class LogVerification : IDisposable
{
    private readonly LogSurvey _survey;
    private readonly ValueFileCheck _values;
    private byte[] _buffer = [];

    private LogVerification(LogSurvey survey, Action<long>? progress)
    {
        _survey = survey;
        _values = new ValueFileCheck(survey.Folder.Disk, progress);
    }

    public LogFolder Folder => _survey.Folder;

    public IReadOnlyList<LogDamage> Damages => _survey.Damages;

    /// <summary>What is worth to be told and is no damage.</summary>
    public IReadOnlyList<string> Notes => _survey.Notes;

    public int Segments => _survey.Segments.Count;

    /// <summary>Keys with a value.</summary>
    public long Keys { get; private set; }

    public long Tombstones { get; private set; }

    /// <summary>Large values that were read, and their bytes.</summary>
    public long Values { get; private set; }

    public long ValueBytes { get; private set; }

    /// <summary>Reads all.</summary>
    /// <param name="path">The log's folder.</param>
    /// <param name="isShared">Somebody owns it, and it may change meanwhile.</param>
    /// <param name="progress">Told how many bytes were read since it was told last.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static LogVerification Run(string path, bool isShared, Action<long>? progress = null)
    {
        LogSurvey survey = LogSurvey.Read(path, isThorough: true, isShared, progress);
        bool isDone = false;
        try
        {
            var verification = new LogVerification(survey, progress);
            survey.Visit(verification.Visit);
            if (isShared) verification.Confirm(path);
            isDone = true;
            return verification;
        }
        finally
        {
            if (!isDone) survey.Dispose();
        }
    }

    public void Dispose() => _survey.Dispose();

    private void Visit(ReadOnlySpan<byte> key, ulong sequence, LogLocation location, long expires)
    {
        if ((location.Flags & LogEntryFlags.Tombstone) != LogEntryFlags.None)
        {
            Tombstones++;
            return;
        }

        Keys++;

        // An entry that cannot be read was told of when its segment was.
        if ((location.Flags & LogEntryFlags.Reference) == LogEntryFlags.None || !_survey.TryRead(key, location, ref _buffer, out LogEntryHeader header)) return;
        Values++;
        byte[] owner = key.ToArray();
        if (ValueReference.Read(_buffer.AsMemory(LogEntryHeader.Bytes + header.KeyLength + header.HeadLength, header.ValueLength - header.HeadLength), out ValueReference? reference) is { } wrong)
        {
            Add(LogSegmentFiles.NameOf(location.Segment), location.Offset, location.Length, $"the entry does not say where its value is: {wrong}", owner, sequence, LogLoss.Value);
            return;
        }

        ValueBytes += reference!.Length;
        foreach (ValuePiece piece in reference.ToPieces())
        {
            string name = ValueFile.NameOf(ValueFile.NumberOf(piece.Id));
            bool isThere = _values.Read(piece, null, (at, length, what) => Add(name, at, length, what, owner, sequence, LogLoss.PartOfValue));
            if (!isThere) Add(name, 0, piece.Length, "the file is missing", owner, sequence, reference.Count == 1 ? LogLoss.Value : LogLoss.PartOfValue);
        }
    }

    private void Add(string file, long offset, long length, string what, byte[] key, ulong sequence, LogLoss loss) =>
        _survey.Damages.Add(new LogDamage { File = file, Offset = offset, Length = length, What = what, Key = key, Sequence = sequence, Loss = loss });

    /// <summary>Beside an owner what was read may have been replaced before it was read to its end, and its file taken for another value: that is no damage.</summary>
    private void Confirm(string path)
    {
        if (Damages.All(d => d.Key is null)) return;
        var latest = new Dictionary<byte[], ulong>(LogKeyComparer.Instance);
        foreach (LogDamage damage in Damages.Where(d => d.Key is not null)) latest[damage.Key!] = 0;
        using (LogSurvey now = LogSurvey.Read(path, isThorough: false, isShared: true))
        {
            now.Visit((key, sequence, _, _) =>
            {
                var lookup = latest.GetAlternateLookup<ReadOnlySpan<byte>>();
                if (lookup.ContainsKey(key)) lookup[key] = sequence;
            });
        }

        _survey.Damages.RemoveAll(d => d.Key is { } key && latest[key] != d.Sequence && d.File.StartsWith(ValueFile.Folder, StringComparison.Ordinal));
        foreach (LogDamage damage in Damages.Where(d => d.Key is { } key && latest[key] > d.Sequence)) damage.Loss = LogLoss.Nothing;
    }
}
