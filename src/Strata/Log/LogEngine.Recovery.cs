using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>What the opening makes of the files that it finds (docs/formats/log.md).</content>
internal sealed partial class LogEngine
{
    private void Recover()
    {
        _disk.CreateFolder(LogSegmentFiles.Folder);
        _disk.SyncFolder("");
        List<FoundSegment> found = [];
        try
        {
            using var sources = new LogSources();
            ulong identity = FindSegments(found);
            if (identity != LogIdentity.None) _files.Identity = identity;
            var recovery = new Recovery(this, identity, sources);

            // The newest first: it tells how far those before it were durable, and where one ends that a write failed in.
            foreach (FoundSegment segment in found.OrderByDescending(s => s.Incarnation)) recovery.Take(segment);
            Load(sources);
            _appender.StartAfter(recovery.Last);
            _visible = recovery.Last;
        }
        catch
        {
            foreach (LogSegment segment in _segments.Values) segment.Close();
            foreach (FoundSegment segment in found) segment.File.Dispose();
            _index.Dispose();
            throw;
        }
    }

    /// <summary>Makes the index of what the sources have, and counts what counts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Load(LogSources sources)
    {
        var merge = new LogMerge(sources);
        IReadOnlyList<uint> incarnations = merge.Incarnations;
        long[] live = new long[incarnations.Count];
        LogIndexLoader loader = _index.Load();
        LogRecovered? recovered = _options.Recovered;
        using (var ahead = new LogMergeAhead(merge, isThreaded: Environment.ProcessorCount > 1))
        {
            while (ahead.TryTake(out LogMergeBatch batch))
            {
                int at = 0;
                ReadOnlySpan<byte> keys = batch.Keys;
                foreach (ref readonly LogMergeEntry entry in batch.Entries)
                {
                    ReadOnlySpan<byte> key = keys[at..entry.KeyEnd];
                    at = entry.KeyEnd;
                    loader.Add(key, entry.Location);
                    live[entry.Source] += entry.Location.Length;
                    if ((entry.Location.Flags & LogEntryFlags.Tombstone) != LogEntryFlags.None) _tombstones++;
                    recovered?.Invoke(key, entry.Sequence, entry.Location, entry.Expires);
                }
            }
        }

        loader.Finish();
        for (int i = 0; i < live.Length; i++) _segments[incarnations[i]].AddLive(live[i]);
    }

    /// <summary>Finds the segments that count, their heads read; what does not count is removed or becomes a spare.</summary>
    /// <returns>The log's identity, or none if nothing tells it.</returns>
    private ulong FindSegments(List<FoundSegment> found)
    {
        List<string> others = [];
        List<uint> replaced = [];
        byte[] head = new byte[LogSegmentHeader.FramesAt];
        foreach (string name in _disk.List(LogSegmentFiles.Folder).Order(StringComparer.Ordinal).ToArray())
        {
            if (name.Length == 12 && name.EndsWith(".seg", StringComparison.Ordinal) && TryReadIncarnation(name, out uint incarnation)) found.Add(ReadHead(incarnation, head, replaced));
            else others.Add(name);
        }

        // Nothing is changed before it is known that all is of one log: a stranger's list of replaced segments means others.
        ulong identity = Identify(found);
        foreach (string name in others) Clean(name, head);
        foreach (FoundSegment gone in found.Where(s => replaced.Contains(s.Incarnation)).ToArray())
        {
            found.Remove(gone);
            Remove(gone);
        }

        return identity;
    }

    private FoundSegment ReadHead(uint incarnation, byte[] head, List<uint> replaced)
    {
        _files.SkipTo(incarnation);
        ILogFile file = _disk.Open(LogSegmentFiles.NameOf(incarnation));
        int read = file.Read(0, head);
        string? wrong = LogSegmentHeader.Read(head.AsSpan(0, read), out LogSegmentHeader header);
        if (wrong is not null && LogSegmentHeader.IsWhole(head.AsSpan(0, read)))
        {
            file.Dispose();
            throw new StorageException(StorageErrorKind.Unsupported, $"The log of store '{_options.Name}' in {_disk.Path} cannot be read: of {LogSegmentFiles.NameOf(incarnation)}, {wrong}. Nothing was changed.") { Operation = "open", Store = _options.Name };
        }

        if (wrong is null) _files.SkipTo(header.Incarnation);
        if (wrong is null && header.Incarnation != incarnation) wrong = LogSegmentHeader.EarlierUse;
        if (wrong is null && !LogReplacedSegments.TryRead(head.AsSpan(LogSegmentHeader.Bytes, read - LogSegmentHeader.Bytes), replaced)) wrong = "its list of replaced segments is damaged";
        return new FoundSegment(incarnation, header, file, wrong);
    }

    /// <summary>Which log this is: all segments must say the same, else some were copied here, and taking them would mix two logs. Where no head can be read, hints tell.</summary>
    private ulong Identify(List<FoundSegment> found)
    {
        (uint Incarnation, ulong Identity)[] stated = [.. found.Where(s => s.Header.Incarnation == s.Incarnation).Select(s => (s.Incarnation, s.Header.Identity))];
        if (stated.Length == 0) stated = [.. found.Select(s => (s.Incarnation, Identity: LogHint.IdentityOf(_disk, s.Incarnation))).Where(s => s.Identity != LogIdentity.None)];
        IReadOnlyList<IReadOnlyList<uint>> logs = LogIdentity.Group(stated);
        if (logs.Count > 1) throw new StorageException(StorageErrorKind.Corrupt, $"The folder {_disk.Path} of store '{_options.Name}' has segments of {logs.Count} logs: {LogIdentity.Describe(logs)}. Some were copied here from elsewhere. Move those that do not belong here out of the folder, with their hints. It was not opened, and nothing was changed.") { Operation = "open", Store = _options.Name };
        return stated.Length == 0 ? LogIdentity.None : stated[0].Identity;
    }

    /// <summary>What is in the folder beside segments.</summary>
    private void Clean(string name, byte[] head)
    {
        string path = $"{LogSegmentFiles.Folder}/{name}";
        if (name.EndsWith(".tmp", StringComparison.Ordinal))
        {
            if (TryReadIncarnation(name, out uint begun)) _files.SkipTo(begun);
            _disk.Delete(path);
        }
        else if (name.EndsWith(".hint", StringComparison.Ordinal))
        {
            RemoveOrphan(name);
        }
        else if (name.StartsWith("spare-", StringComparison.Ordinal) && name.EndsWith(".seg", StringComparison.Ordinal))
        {
            using ILogFile file = _disk.Open(path);
            if (LogSegmentHeader.Read(head.AsSpan(0, file.Read(0, head)), out LogSegmentHeader header) is null) _files.SkipTo(header.Incarnation);
            _files.AddSpare(path, (uint)file.Length);
        }
    }

    /// <summary>The number in a file's name; what Strata did not name is left alone.</summary>
    private static bool TryReadIncarnation(string name, out uint incarnation)
    {
        incarnation = 0;
        return name.Length > 8 && uint.TryParse(name.AsSpan(0, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out incarnation);
    }

    /// <summary>A hint without its segment: the crash came between the two. Its incarnation is not given again, or the hint would be taken for that segment's.</summary>
    private void RemoveOrphan(string name)
    {
        if (!TryReadIncarnation(name, out uint incarnation) || _disk.Exists(LogSegmentFiles.NameOf(incarnation))) return;
        _files.SkipTo(incarnation);
        _disk.Delete($"{LogSegmentFiles.Folder}/{name}");
        _disk.SyncFolder(LogSegmentFiles.Folder);
    }

    private void Remove(FoundSegment segment)
    {
        segment.File.Dispose();
        _disk.Delete(LogSegmentFiles.NameOf(segment.Incarnation));
        _disk.Delete(LogSegmentFiles.HintNameOf(segment.Incarnation));
        _disk.SyncFolder(LogSegmentFiles.Folder);
    }

    private StorageException Damaged(uint incarnation, string what) =>
        new(StorageErrorKind.Corrupt, $"The log of store '{_options.Name}' is damaged in {_disk.Path}: in {LogSegmentFiles.NameOf(incarnation)}, {what}. It was not opened, so that nothing is lost by going on. 'strata log verify' says what is intact, 'strata log repair' writes it to a new log.") { Operation = "open", Store = _options.Name };

    private readonly record struct FoundSegment(uint Incarnation, LogSegmentHeader Header, ILogFile File, string? Wrong);

    /// <summary>Takes the segments, the newest first.</summary>
    private sealed class Recovery(LogEngine log, ulong identity, LogSources sources)
    {
        private readonly Dictionary<uint, LogVoid> _voids = [];
        private ulong _durable;
        private bool _isTailFound;

        /// <summary>The highest LSN that was ever given.</summary>
        public ulong Last { get; private set; }

        public void Take(FoundSegment found)
        {
            if (found.Wrong is null) Note(found.Header);
            if (TakeByHint(found)) return;
            if (found.Wrong is not null) TakeWithoutHead(found);
            else Scan(found);
        }

        private void Note(in LogSegmentHeader header)
        {
            Last = Math.Max(Last, Math.Max(header.Durable, header.Kind == LogSegmentKind.Appended ? header.First - 1 : 0));
            _durable = Math.Max(_durable, header.Durable);
        }

        private bool TakeByHint(FoundSegment found)
        {
            if (LogHint.TryOpen(log._disk, log._files.Identity, found.Incarnation, out string? damage) is not { } hint)
            {
                if (damage is not null) log._log.LogWarning("The hint {Hint} of store '{Store}' is damaged ({Damage}); its segment is scanned", LogSegmentFiles.HintNameOf(found.Incarnation), log._options.Name, damage);
                return false;
            }

            LogHintHeader header = hint.Header;
            if (found.Wrong is { } wrong) log._log.LogError("The segment {Segment} of store '{Store}' is damaged: {Wrong}; its hint is not", LogSegmentFiles.NameOf(found.Incarnation), log._options.Name, wrong);
            if (header.Void is { } cut) _voids[cut.Incarnation] = cut;
            if (header.Kind == LogSegmentKind.Appended) _isTailFound = true;
            Last = Math.Max(Last, header.Last);
            LogSegment segment = Enter(found, header.Kind, header.End, header.Last);

            // Once its end is in it, its hint is written anew.
            segment.HasHint = segment.Cut is null;
            segment.Void = header.Void;
            sources.Add(hint);
            return true;
        }

        /// <summary>A crash between a segment's name and its head leaves one that was never begun; anything else is damage.</summary>
        private void TakeWithoutHead(FoundSegment found)
        {
            ulong of = identity == LogIdentity.None ? found.Header.Identity : identity;
            if (LogSegmentScanner.TryFindHead(found.File, of, found.Incarnation, out _)) throw log.Damaged(found.Incarnation, $"{found.Wrong}, and it has no hint");
            log._log.LogWarning("The segment {Segment} of store '{Store}' holds nothing ({Why}) and is removed: a crash ended its creation, or all of it is lost", LogSegmentFiles.NameOf(found.Incarnation), log._options.Name, found.Wrong);
            log.Remove(found);
        }

        private void Scan(FoundSegment found)
        {
            var hint = new LogHintBuilder(found.Header);
            try
            {
                // After a failed sync the cache may hold what is on no medium, and no later sync would put there.
                found.File.DropCache(0, found.File.Length);
                LogVoid? cut = _voids.TryGetValue(found.Incarnation, out LogVoid known) ? known : null;
                using var scanner = new LogSegmentScanner(found.File, found.Header, _isTailFound ? 0 : _durable, cut);
                LogScanResult result = scanner.ReadTo(hint);
                if (result.Damage is { } damage) throw log.Damaged(found.Incarnation, damage);
                if (result.Void is { } of) _voids[of.Incarnation] = of;
                Last = Math.Max(Last, result.LastSequence);
                _durable = Math.Max(_durable, result.Durable);
                if (result.CutBytes > 0) log._log.LogWarning("The end of the log of store '{Store}' was being written when the process or the machine stopped: {Bytes} bytes that were not yet durable are cut from {Segment} ({Why})", log._options.Name, result.CutBytes, LogSegmentFiles.NameOf(found.Incarnation), result.Why);
                if (result.Offset == LogSegmentHeader.FramesAt)
                {
                    log.Remove(found);
                    hint.Dispose();
                    return;
                }

                Finish(found, result, hint);
            }
            catch
            {
                hint.Dispose();
                throw;
            }
        }

        private void Finish(FoundSegment found, in LogScanResult result, LogHintBuilder hint)
        {
            uint end = result.Offset;
            bool isOpen = result.End is LogScanEnd.Empty or LogScanEnd.Torn;
            if (isOpen && _isTailFound) throw log.Damaged(found.Incarnation, $"at offset {result.Offset} its seal is missing, though a later segment was begun");
            if (isOpen) end = Seal(found, result);
            else if (result.End == LogScanEnd.Voided) end = TrySeal(found, result);

            if (found.Header.Kind == LogSegmentKind.Appended) _isTailFound = true;
            LogSegment segment = Enter(found, found.Header.Kind, end, result.LastSequence);
            segment.Void = result.Void;
            try
            {
                hint.WriteTo(log._disk, end);
                segment.HasHint = true;
            }
            catch (Exception e) when (DiskErrors.IsDiskError(e))
            {
                log._log.LogWarning(e, "Cannot write the hint of segment {Segment} of store '{Store}'; it is tried again", LogSegmentFiles.NameOf(found.Incarnation), log._options.Name);
            }

            sources.Add(hint.ToCursor());
        }

        /// <summary>Ends the segment where its last whole frame ends, durably: what is behind never counts again, whatever it is.</summary>
        private static uint Seal(FoundSegment found, in LogScanResult result)
        {
            LogCompactor.WriteSeal(found.File, found.Header.Seed, result.Offset, result.LastSequence + 1);
            return result.Offset + LogFrameHeader.Bytes;
        }

        /// <summary>The same where a void says where it ends: as long as it has no end of its own, the segment with the void is needed.</summary>
        private uint TrySeal(FoundSegment found, in LogScanResult result)
        {
            try
            {
                return Seal(found, result);
            }
            catch (Exception e) when (DiskErrors.IsDiskError(e))
            {
                log._log.LogWarning(e, "The segment {Segment} of store '{Store}', in which a write failed, cannot be ended now; the one that says where it ends is kept", LogSegmentFiles.NameOf(found.Incarnation), log._options.Name);
                return result.Offset;
            }
        }

        private LogSegment Enter(FoundSegment found, LogSegmentKind kind, uint end, ulong last)
        {
            // Where the void said it ends, or behind that, once it has its seal.
            LogVoid? cut = _voids.TryGetValue(found.Incarnation, out LogVoid known) && known.End >= end ? known : null;
            uint needed = cut is null ? end : end + LogFrameHeader.Bytes;
            if (found.File.Length - needed > 64 << 10) found.File.Truncate(needed);
            LogSegment segment = log._files.Open(found.Wrong is null ? found.Header : new LogSegmentHeader(log._files.Identity, found.Incarnation, kind, 0, 0, 0), found.File, end);
            segment.Cut = cut;
            segment.LastSequence = last;
            segment.CleanAsOf = found.Wrong is not null ? 0 : kind == LogSegmentKind.Compacted ? found.Header.Durable : found.Header.First - 1;
            log.Enter(segment);
            return segment;
        }
    }
}
