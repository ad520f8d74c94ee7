namespace Strata;

/// <summary>A segment as somebody sees it who looks at the log's folder.</summary>
internal sealed class LogSegmentView(uint incarnation, LogSegmentHeader header, ILogFile file)
{
    public uint Incarnation { get; } = incarnation;

    public string Name => LogSegmentFiles.NameOf(Incarnation);

    /// <summary>Its head; where that is damaged, what can be told of it.</summary>
    public LogSegmentHeader Header { get; set; } = header;

    public ILogFile File { get; } = file;

    public long FileBytes { get; } = file.Length;

    public LogSegmentState State { get; set; }

    public LogHintState Hint { get; set; }

    /// <summary>Lowest and highest LSN of its entries and frames.</summary>
    public ulong First { get; set; } = header.First;

    public ulong Last { get; set; }

    /// <summary>Where its frames end.</summary>
    public uint End { get; set; } = LogSegmentHeader.FramesAt;

    /// <summary>Keys in it, each once.</summary>
    public long Entries { get; set; }

    /// <summary>Keys whose latest entry is in it, and the bytes of these.</summary>
    public long LiveEntries { get; set; }

    public long LiveBytes { get; set; }

    /// <summary>Bytes of frames.</summary>
    public long UsedBytes => End - LogSegmentHeader.FramesAt;

    /// <summary>What of them does not count any more, 0 to 1.</summary>
    public double GarbageShare => UsedBytes <= 0 ? 0 : 1 - ((double)LiveBytes / UsedBytes);

    /// <summary>True if the file is all zeros where frames would be.</summary>
    public bool IsEmpty()
    {
        using var window = new LogFileWindow(File, FileBytes, 1 << 20);
        for (long at = LogSegmentHeader.FramesAt; at < FileBytes;)
        {
            ReadOnlySpan<byte> bytes = window.Read(at, (int)Math.Min(1 << 20, FileBytes - at));
            if (bytes.IsEmpty) break;
            if (bytes.ContainsAnyExcept((byte)0)) return false;
            at += bytes.Length;
        }

        return true;
    }
}

/// <summary>Whether frames may still come to a segment.</summary>
internal enum LogSegmentState
{
    Sealed,

    /// <summary>The end of the log.</summary>
    Open,

    /// <summary>A write failed in it; the next one says where it ends.</summary>
    Cut,
    Damaged,
}

/// <summary>What there is of a segment's hint.</summary>
internal enum LogHintState
{
    None,
    Intact,
    Damaged,
}
