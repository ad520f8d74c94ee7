using Microsoft.Extensions.Logging.Abstractions;

namespace Strata;

/// <summary>
/// Writes what is intact of a log to a new folder: each key's latest entry with its LSN, and the files of large values. The
/// old folder stays as it is. Where the latest entry of a key is damaged, an older one is not taken for it.
/// </summary>
/// <remarks>Files of values are copied with their damaged blocks, which then answer Corrupt as before, so that the rest of them can be read.</remarks>
internal sealed class LogRepair : IDisposable
{
    private const int SegmentBytes = 32 << 20, FrameOverhead = 1 << 20;
    private const string ClockFile = "clock";

    /// <summary>In the new folder until all is in it: half of a log opens as well as a whole one, and lacks the other half in silence.</summary>
    private const string Unfinished = "repair-unfinished";
    private readonly LogVerification _found;
    private readonly LogSurvey _survey;
    private readonly SystemDisk _target;
    private readonly LogSegmentFiles _files;
    private readonly ValueFileCheck _values;
    private readonly HashSet<byte[]> _lost;
    private readonly HashSet<ulong> _copied = [];
    private readonly HashSet<ulong> _noted = [];
    private readonly List<(byte[] Owner, ulong Id, long Length)> _owners = [];
    private readonly Dictionary<string, BlobKey> _uploads = [];
    private byte[] _buffer = [];
    private readonly long _bytes;
    private LogSegment? _segment;
    private LogFrameWriter? _frames;
    private LogHintBuilder? _hint;
    private long _room;

    private LogRepair(LogVerification found, LogSurvey survey, string target, Action<long>? progress)
    {
        _found = found;
        _survey = survey;
        _target = new SystemDisk(target);
        _bytes = survey.Segments.Sum(s => s.UsedBytes);
        _files = new LogSegmentFiles(_target, new LogOptions { Name = "repair", MapReads = false, SegmentBytes = LogOptions.MaxSegmentBytes }, NullLogger.Instance) { LiveBytes = () => _bytes };
        _values = new ValueFileCheck(survey.Folder.Disk, progress);
        _lost = new HashSet<byte[]>(found.Damages.Where(d => d.Key is not null && d.Loss is LogLoss.Value or LogLoss.Deletion).Select(d => d.Key!), LogKeyComparer.Instance);
    }

    /// <summary>What was damaged.</summary>
    public LogVerification Found => _found;

    /// <summary>Entries that were written, tombstones among them.</summary>
    public long Entries { get; private set; }

    /// <summary>Blobs and other keys that are left out because what they need is lost.</summary>
    public List<string> LeftOut { get; } = [];

    public int ValueFiles => _copied.Count;

    /// <summary>Writes a new log.</summary>
    /// <param name="from">The old one's folder. Nobody may own it.</param>
    /// <param name="to">A folder that does not exist or is empty.</param>
    /// <param name="progress">Told how many bytes were read since it was told last.</param>
    /// <exception cref="IOException">The old log cannot be read, or the new one not be written.</exception>
    public static LogRepair Run(string from, string to, Action<long>? progress = null)
    {
        LogVerification found = LogVerification.Run(from, isShared: false, progress);
        LogRepair? repair = null;
        bool isDone = false;
        try
        {
            using LogSurvey survey = LogSurvey.Read(from, isThorough: found.Damages.Count > 0, isShared: false, progress);
            repair = new LogRepair(found, survey, to, progress);
            repair.Write();
            isDone = true;
            return repair;
        }
        finally
        {
            if (!isDone) found.Dispose();
        }
    }

    /// <summary>True if a repair to this folder was stopped before its end.</summary>
    public static bool IsUnfinished(string folder) => File.Exists(Path.Combine(folder, Unfinished));

    public void Dispose() => _found.Dispose();

    private void Write()
    {
        _target.CreateFolder("");
        _target.Create(Unfinished, 0).Dispose();
        _target.SyncFolder("");
        _target.CreateFolder(LogSegmentFiles.Folder);
        _target.CreateFolder(ValueFile.Folder);
        try
        {
            _survey.Visit(Take);
            NoteFiles();
            Finish();
        }
        finally
        {
            _frames?.Dispose();
            _hint?.Dispose();
            _segment?.Close();
        }

        CopyClock();
        _target.SyncFolder(ValueFile.Folder);
        _target.SyncFolder("");
        _target.Delete(Unfinished);
        _target.SyncFolder("");
    }

    private void Take(ReadOnlySpan<byte> key, ulong sequence, LogLocation location, long expires)
    {
        if (_lost.GetAlternateLookup<ReadOnlySpan<byte>>().Contains(key)) return;
        var space = (LogKeyspace)key[0];
        bool isTombstone = (location.Flags & LogEntryFlags.Tombstone) != LogEntryFlags.None;
        if (space == LogKeyspace.Blobs && !isTombstone && IsPayloadLost(key))
        {
            LeftOut.Add(LogKeyText.Of(key));
            return;
        }

        // Noted at the end, with the values that are there.
        if (space == LogKeyspace.ValueFiles) return;
        if (!_survey.TryRead(key, location, ref _buffer, out LogEntryHeader header)) return;
        if (space == LogKeyspace.Uploads && !isTombstone) NoteUpload(key);
        if ((location.Flags & LogEntryFlags.Reference) != LogEntryFlags.None) CopyValues(key, header);
        Add(_buffer.AsSpan(0, header.Length), key, header);
    }

    private bool IsPayloadLost(ReadOnlySpan<byte> key)
    {
        if (_lost.Count == 0) return false;
        Span<byte> payload = stackalloc byte[key.Length];
        key.CopyTo(payload);
        payload[0] = (byte)LogKeyspace.Payloads;
        return _lost.GetAlternateLookup<ReadOnlySpan<byte>>().Contains(payload);
    }

    private void NoteUpload(ReadOnlySpan<byte> key)
    {
        (BlobKey blob, string id) = DiskKey.ToUpload(key);
        _uploads[id] = blob;
    }

    private void CopyValues(ReadOnlySpan<byte> key, in LogEntryHeader header)
    {
        if (ValueReference.Read(_buffer.AsMemory(LogEntryHeader.Bytes + header.KeyLength + header.HeadLength, header.ValueLength - header.HeadLength), out ValueReference? reference) is not null) return;
        byte[] owner = key.ToArray();
        foreach (ValuePiece piece in reference!.ToPieces())
        {
            if (_noted.Add(piece.Id)) _owners.Add((owner, piece.Id, piece.Length));
            string name = ValueFile.NameOf(ValueFile.NumberOf(piece.Id));
            if (!_survey.Folder.Disk.Exists(name) || !_copied.Add(piece.Id)) continue;
            using ILogFile copy = _target.Create(name, piece.Length);
            _values.Read(piece, copy, static (_, _, _) => { });
            copy.Sync();
        }
    }

    /// <summary>A file that the log does not note is recycled by the next opening; so each is noted anew, for whom it is.</summary>
    private void NoteFiles()
    {
        foreach ((byte[] owner, ulong id, long length) in _owners.OrderBy(o => o.Id))
        {
            string? upload = (LogKeyspace)owner[0] == LogKeyspace.Parts ? DiskKey.ToPart(owner).UploadId : null;
            BlobKey blob = upload is null ? DiskKey.ToBlobKey(owner) : _uploads.TryGetValue(upload, out BlobKey known) ? known : BlobKey.Parse("unknown");
            using var batch = new LogBatch();
            new DiskValueFile(blob, upload, length).Put(batch, id);
            byte[] entry = batch.EntryOf(batch.Operations[0]);
            LogEntryHeader.Seal(entry, LogEntryHeader.ContentChecksum(entry), default, Math.Max(1, _survey.Last));
            if (LogEntryHeader.TryRead(entry, out LogEntryHeader header)) Add(entry, DiskKey.OfFile(id), header);
        }
    }

    private void Add(ReadOnlySpan<byte> entry, ReadOnlySpan<byte> key, in LogEntryHeader header)
    {
        if (_segment is null || _room < entry.Length) Begin(entry.Length);
        LogLocation location = _frames!.Add(entry, header);
        _hint!.Add(key, header, location.Offset);
        _room -= entry.Length;
        Entries++;
    }

    private void Begin(int least)
    {
        Finish();
        _room = Math.Max(least, Math.Clamp(_bytes, least, Math.Max(least, SegmentBytes)));

        // Nothing in it was ever superseded, and no LSN of the old log is given again.
        ulong last = Math.Max(1, _survey.Last);
        _segment = _files.Create(LogSegmentKind.Compacted, 1, last, _room + (_room / 8) + FrameOverhead, isRelief: true);
        _frames = new LogFrameWriter(_segment);
        _hint = new LogHintBuilder(_segment.Header);
    }

    private void Finish()
    {
        if (_segment is not { } segment) return;
        _frames!.Finish();
        segment.File.Truncate(segment.End);
        segment.File.Sync();
        _hint!.WriteTo(_target, segment.End);
        _files.Publish(segment);
        segment.Close();
        _frames.Dispose();
        _hint.Dispose();
        (_segment, _frames, _hint) = (null, null, null);
    }

    private void CopyClock()
    {
        if (!_survey.Folder.Disk.Exists(ClockFile)) return;
        using ILogFile from = _survey.Folder.Disk.Open(ClockFile);
        byte[] bytes = new byte[checked((int)Math.Min(from.Length, 4_096))];
        int read = from.Read(0, bytes);
        using ILogFile to = _target.Create(ClockFile, read);
        to.Write(0, bytes.AsSpan(0, read));
        to.Sync();
    }
}
