using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>What the opening makes of the files that it finds (docs/formats/log.md).</content>
internal sealed partial class LogEngine
{
    private void Recover()
    {
        _disk.CreateFolder(LogSegmentFiles.Folder);
        _disk.SyncFolder("");
        using var sources = new LogSources();
        var recovery = new Recovery(this, sources);

        // The newest first: it tells how far those before it were durable, and where one ends that a write failed in.
        foreach (FoundSegment found in FindSegments().OrderByDescending(s => s.Incarnation)) recovery.Take(found);
        var loaded = new Loaded(this, _index.Load());
        LogMerge.Run(sources, ref loaded);
        loaded.Finish();
        _appender.StartAfter(recovery.Last);
    }

    /// <summary>The segments that count, their heads read; what does not count is removed or becomes a spare.</summary>
    private List<FoundSegment> FindSegments()
    {
        List<FoundSegment> found = [];
        List<uint> replaced = [];
        byte[] head = new byte[LogSegmentHeader.FramesAt];
        foreach (string name in _disk.List(LogSegmentFiles.Folder).Order(StringComparer.Ordinal).ToArray())
        {
            string path = $"{LogSegmentFiles.Folder}/{name}";
            if (name.EndsWith(".tmp", StringComparison.Ordinal))
            {
                if (TryReadIncarnation(name, out uint begun)) _files.SkipTo(begun);
                _disk.Delete(path);
                continue;
            }

            if (name.EndsWith(".hint", StringComparison.Ordinal)) RemoveOrphan(name);
            bool isSpare = name.StartsWith("spare-", StringComparison.Ordinal);
            uint incarnation = 0;
            if (!name.EndsWith(".seg", StringComparison.Ordinal) || (!isSpare && !TryReadIncarnation(name, out incarnation))) continue;
            ILogFile file = _disk.Open(path);
            int read = file.Read(0, head);
            string? wrong = LogSegmentHeader.Read(head.AsSpan(0, read), out LogSegmentHeader header);
            if (wrong is null) _files.SkipTo(header.Incarnation);
            if (isSpare)
            {
                _files.AddSpare(path, (uint)file.Length);
                file.Dispose();
                continue;
            }

            _files.SkipTo(incarnation);
            if (wrong is null && header.Incarnation == incarnation && !LogReplacedSegments.TryRead(head.AsSpan(LogSegmentHeader.Bytes, read - LogSegmentHeader.Bytes), replaced)) wrong = "its list of replaced segments is damaged";
            found.Add(new FoundSegment(incarnation, header, file, wrong ?? (header.Incarnation == incarnation ? null : "its head is of an earlier use")));
        }

        foreach (FoundSegment gone in found.Where(s => replaced.Contains(s.Incarnation)).ToArray())
        {
            found.Remove(gone);
            Remove(gone);
        }

        return found;
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
    private sealed class Recovery(LogEngine log, LogSources sources)
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
            if (LogHint.TryOpen(log._disk, found.Incarnation, out string? damage) is not { } hint)
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
            segment.HasHint = true;
            sources.Add(hint);
            return true;
        }

        /// <summary>A crash between a segment's name and its head leaves one that was never begun; anything else is damage.</summary>
        private void TakeWithoutHead(FoundSegment found)
        {
            Span<byte> first = stackalloc byte[LogFrameHeader.Bytes];
            if (found.File.Read(LogSegmentHeader.FramesAt, first) == first.Length && LogFrameHeader.TryRead(first, out LogFrameHeader frame) && frame.Sequence > 0)
            {
                using var scanner = new LogSegmentScanner(found.File, new LogSegmentHeader(found.Incarnation, LogSegmentKind.Appended, frame.Sequence, 0, (uint)found.File.Length));
                if (scanner.MoveNextFrame()) throw log.Damaged(found.Incarnation, $"{found.Wrong}, and it has no hint");
            }

            log._log.LogWarning("The segment {Segment} of store '{Store}' holds nothing that can be read ({Why}) and is removed: a crash ended its creation, or it is lost", LogSegmentFiles.NameOf(found.Incarnation), log._options.Name, found.Wrong);
            log.Remove(found);
        }

        private void Scan(FoundSegment found)
        {
            var hint = new LogHintBuilder(found.Incarnation, found.Header.Kind);
            try
            {
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
            if (result.End is LogScanEnd.Empty or LogScanEnd.Torn)
            {
                if (_isTailFound) throw log.Damaged(found.Incarnation, $"at offset {result.Offset} its seal is missing, though a later segment was begun");
                end = Seal(found, result);
            }

            if (found.Header.Kind == LogSegmentKind.Appended) _isTailFound = true;
            LogSegment segment = Enter(found, found.Header.Kind, end, result.LastSequence);
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
            Span<byte> frame = stackalloc byte[LogFrameHeader.Bytes];
            LogFrameHeader.Write(frame, frame.Length, result.LastSequence + 1, result.LastSequence, 0, LogFrameKind.Seal);
            LogFrameHeader.Seal(frame, default, found.Incarnation);
            found.File.Write(result.Offset, frame);
            found.File.Sync();
            return result.Offset + LogFrameHeader.Bytes;
        }

        private LogSegment Enter(FoundSegment found, LogSegmentKind kind, uint end, ulong last)
        {
            if (found.File.Length - end > 64 << 10) found.File.Truncate(end);
            LogSegment segment = log._files.Open(found.Wrong is null ? found.Header : new LogSegmentHeader(found.Incarnation, kind, 0, 0, 0), found.File, end);
            segment.Cut = _voids.TryGetValue(found.Incarnation, out LogVoid cut) ? cut : null;
            segment.LastSequence = last;
            segment.CleanAsOf = found.Wrong is not null ? 0 : kind == LogSegmentKind.Compacted ? found.Header.Durable : found.Header.First - 1;
            log.Enter(segment);
            return segment;
        }
    }

    /// <summary>Makes the index of what the merge gives, and counts what counts.</summary>
    private readonly struct Loaded(LogEngine log, LogIndexLoader loader) : ILogMergeSink
    {
        private readonly LogRecovered? _recovered = log._options.Recovered;

        public void Add(ReadOnlySpan<byte> key, ulong sequence, LogLocation location, long expires)
        {
            loader.Add(key, location);
            log._segments[location.Segment].AddLive(location.Length);
            if ((location.Flags & LogEntryFlags.Tombstone) != LogEntryFlags.None) log._tombstones++;
            else _recovered?.Invoke(key, location, expires);
        }

        public void Finish() => loader.Finish();
    }
}
