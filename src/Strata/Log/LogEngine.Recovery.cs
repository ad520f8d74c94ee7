using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>What the opening makes of the files that it finds (docs/formats/log.md).</content>
internal sealed partial class LogEngine
{
    private void Recover()
    {
        _disk.CreateFolder(LogSegmentFiles.Folder);
        List<FoundSegment> found = FindSegments();
        using var sources = new LogSources();
        ulong last = 0;
        var voids = new Dictionary<uint, LogVoid>();
        bool isTailFound = false;

        // The newest first: a void tells of the segment before it.
        foreach (FoundSegment segment in found.OrderByDescending(s => s.Incarnation))
        {
            last = Math.Max(last, Math.Max(segment.Header.Durable, segment.Header.Kind == LogSegmentKind.Appended ? segment.Header.First - 1 : 0));
            last = Math.Max(last, Load(segment, voids, ref isTailFound, sources));
        }

        Merge(sources);
        _appender.StartAfter(last);
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
                if (uint.TryParse(name[..8], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out uint begun)) _files.SkipTo(begun);
                _disk.Delete(path);
                continue;
            }

            if (!name.EndsWith(".seg", StringComparison.Ordinal)) continue;
            ILogFile file = _disk.Open(path);
            int read = file.Read(0, head);
            string? wrong = LogSegmentHeader.Read(head.AsSpan(0, read), out LogSegmentHeader header);
            if (wrong is null) _files.SkipTo(header.Incarnation);
            if (name.StartsWith("spare-", StringComparison.Ordinal))
            {
                _files.AddSpare(path, (uint)file.Length);
                file.Dispose();
                continue;
            }

            uint incarnation = uint.Parse(name.AsSpan(0, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
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

    private void Remove(FoundSegment segment)
    {
        segment.File.Dispose();
        _disk.Delete(LogSegmentFiles.NameOf(segment.Incarnation));
        _disk.Delete(LogSegmentFiles.HintNameOf(segment.Incarnation));
        _disk.SyncFolder(LogSegmentFiles.Folder);
    }

    private readonly record struct FoundSegment(uint Incarnation, LogSegmentHeader Header, ILogFile File, string? Wrong);
}
