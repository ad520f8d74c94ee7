namespace Strata;

/// <content>How a segment is read, and compared with its hint.</content>
internal sealed partial class LogSurvey
{
    private const int Scans = 5;

    private void Scan(LogSegmentView segment, LogHint? hint)
    {
        var damages = new List<LogDamage>();
        LogHintBuilder scanned = Scan(segment, hint, damages, out bool isWhole, out LogScanResult result);

        // What its owner writes now may be read half: then it ends elsewhere the next time.
        for (int i = 1; i < Scans && damages.Count > 0 && _isShared && hint is null; i++)
        {
            uint end = result.Offset;
            damages.Clear();
            scanned.Dispose();
            scanned = Scan(segment, null, damages, out isWhole, out result);
            if (result.Offset == end) break;
        }

        if (damages.Count > 0 && _isShared && IsRecycled(segment))
        {
            scanned.Dispose();
            hint?.Dispose();
            Segments.Remove(segment);
            Notes.Add($"{segment.Name} was compacted while it was read.");
            return;
        }

        Damages.AddRange(damages);
        _progress?.Invoke(segment.FileBytes);
        if (!isWhole) segment.State = LogSegmentState.Damaged;
        if (hint is not null)
        {
            AddSource(segment, hint, scanned, isWhole);
            return;
        }

        Enter(segment, result, scanned);
    }

    private LogHintBuilder Scan(LogSegmentView segment, LogHint? hint, List<LogDamage> damages, out bool isWhole, out LogScanResult last)
    {
        var scanned = new LogHintBuilder(segment.Header);
        LogVoid? cut = _voids.TryGetValue(segment.Incarnation, out LogVoid known) ? known : null;
        bool isEnded = hint is not null || _isTailFound;
        using var scanner = new LogSegmentScanner(segment.File, segment.Header, isEnded ? 0 : _durable, cut);
        isWhole = true;
        while (true)
        {
            while (scanner.MoveNextFrame())
            {
                while (scanner.MoveNextEntry()) scanned.Add(scanner.Key, scanner.Entry, scanner.EntryAt);
            }

            last = scanner.Result;
            bool isOpen = last.End is LogScanEnd.Empty or LogScanEnd.Torn;
            if (last.Damage is null && !(isOpen && isEnded)) break;
            isWhole = false;
            if (AddBroken(segment, hint, scanner, damages, scanned)) continue;
            break;
        }

        scanned.Include(last);
        return scanned;
    }

    /// <summary>Notes what is not right where a scan ended, takes what is intact of it, and goes on behind it. False: nothing follows.</summary>
    private static bool AddBroken(LogSegmentView segment, LogHint? hint, LogSegmentScanner scanner, List<LogDamage> damages, LogHintBuilder scanned)
    {
        LogScanResult result = scanner.Result;
        bool goesOn = scanner.TryResume();
        var region = new LogDamage
        {
            File = segment.Name,
            Offset = result.Offset,
            Length = scanner.BrokenBytes,
            What = $"{result.Why ?? result.Damage ?? "its end is missing"} (its entries are looked at one by one)",

            // A hint says what should be there.
            Loss = hint is null ? LogLoss.Unknown : LogLoss.Nothing,
        };
        damages.Add(region);
        if (hint is not null || result.End is LogScanEnd.Sealed or LogScanEnd.Voided) return goesOn;
        while (scanner.MoveNextBrokenEntry())
        {
            if (scanner.IsEntryIntact) scanned.Add(scanner.Key, scanner.Entry, scanner.EntryAt);
            else damages.Add(EntryDamage(segment, scanner.Key.ToArray(), scanner.Location, scanner.Entry.Sequence));
        }

        if (scanner.IsBrokenKnown) region.Loss = LogLoss.Nothing;
        return goesOn;
    }

    private static LogDamage EntryDamage(LogSegmentView segment, byte[] key, LogLocation location, ulong sequence) => new()
    {
        File = segment.Name,
        Offset = location.Offset,
        Length = location.Length,
        What = "the entry does not match its checksum",
        Key = key,
        Sequence = sequence,
        Loss = (location.Flags & LogEntryFlags.Tombstone) == LogEntryFlags.None ? LogLoss.Value : LogLoss.Deletion,
    };

    private void Enter(LogSegmentView segment, in LogScanResult result, LogHintBuilder scanned)
    {
        if (result.Void is { } of) _voids[of.Incarnation] = of;
        Last = Math.Max(Last, Math.Max(result.LastSequence, scanned.LastSequence));
        _durable = Math.Max(_durable, result.Durable);
        bool isOpen = result.End is LogScanEnd.Empty or LogScanEnd.Torn;
        if (segment.State != LogSegmentState.Damaged) segment.State = result.End == LogScanEnd.Voided ? LogSegmentState.Cut : isOpen ? LogSegmentState.Open : LogSegmentState.Sealed;
        if (segment.State == LogSegmentState.Open && result.CutBytes > 0 && !_isShared) Notes.Add($"At the end of {segment.Name}, from offset {result.Offset} on, {result.CutBytes} bytes were being written when the process or the machine stopped. They were not acknowledged as durable; the next opening cuts them.");
        if (segment.Header.Kind == LogSegmentKind.Appended && result.Offset > LogSegmentHeader.FramesAt) _isTailFound = true;
        LogCursor cursor = scanned.ToCursor();
        (segment.First, segment.Last, segment.End, segment.Entries) = (scanned.FirstSequence, scanned.LastSequence, result.Offset, scanned.Count);
        _sources.Add(cursor);
    }

    /// <summary>Compares a hint with what was read of its segment, and takes the one that is right for the other.</summary>
    private void AddSource(LogSegmentView segment, LogHint hint, LogHintBuilder scanned, bool isWhole)
    {
        LogCursor found = scanned.ToCursor();
        string? wrong = Compare(segment, found, isWhole);
        if (wrong is null || !isWhole)
        {
            if (wrong is not null) AddHintDamage(segment, wrong);
            _sources.Add(hint);
            scanned.Dispose();
            return;
        }

        AddHintDamage(segment, wrong);
        hint.Dispose();
        segment.Entries = scanned.Count;
        _sources.Add(scanned.ToCursor());
    }

    /// <returns>How the hint disagrees with the segment, or null.</returns>
    private string? Compare(LogSegmentView segment, LogCursor found, bool isWhole)
    {
        using var told = LogHint.TryOpen(Folder.Disk, segment.Header.Identity, segment.Incarnation, out string? damage);
        if (told is null) return _isShared ? null : damage ?? "it is gone";
        byte[] buffer = [];
        bool isTold = told.MoveNext(), isFound = found.MoveNext();
        while (isTold || isFound)
        {
            int order = !isTold ? 1 : !isFound ? -1 : told.Key.SequenceCompareTo(found.Key);
            bool isSame = order == 0 && told.Sequence == found.Sequence && told.Location == found.Location && told.Expires == found.Expires;
            if (order > 0) return $"it lacks '{LogKeyText.Of(found.Key)}'";
            if (!isSame && isWhole) return $"it says of '{LogKeyText.Of(told.Key)}' what is not in its segment";
            if (!isSame && !TryRead(told.Key, told.Location, ref buffer, out _)) Damages.Add(EntryDamage(segment, told.Key.ToArray(), told.Location, told.Sequence));
            if (order <= 0) isTold = told.MoveNext();
            if (order == 0) isFound = found.MoveNext();
        }

        return null;
    }

    /// <summary>True if its owner has taken the file for something else while it was read.</summary>
    private bool IsRecycled(LogSegmentView segment)
    {
        byte[] head = new byte[LogSegmentHeader.Bytes];
        return !Folder.Disk.Exists(segment.Name)
            || (segment.File.Read(0, head) == head.Length && LogSegmentHeader.Read(head, out LogSegmentHeader header) is null && header.Incarnation != segment.Incarnation);
    }
}
