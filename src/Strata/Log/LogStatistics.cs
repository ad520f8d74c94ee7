namespace Strata;

/// <summary>What a log holds and does, at a moment.</summary>
internal sealed record LogStatistics
{
    /// <summary>Keys with a value.</summary>
    public long Keys { get; init; }

    /// <summary>Tombstones that are still needed.</summary>
    public long Tombstones { get; init; }

    /// <summary>Bytes of entries that count, as they are in the files.</summary>
    public long LiveBytes { get; init; }

    /// <summary>Bytes of frames in all segments, garbage included.</summary>
    public long UsedBytes { get; init; }

    /// <summary>Bytes of all files of the log: segments with what is not used of them, spares, hints.</summary>
    public long FileBytes { get; init; }

    public int Segments { get; init; }

    public int SpareSegments { get; init; }

    /// <summary>Files that are gone from the folder and wait for their last reader.</summary>
    public int UnlinkedSegments { get; init; }

    public long IndexBytes { get; init; }

    public long Syncs { get; init; }

    public long Commits { get; init; }

    public long Compactions { get; init; }

    public long CompactedBytes { get; init; }

    /// <summary>The highest LSN given, and the highest that is durable.</summary>
    public ulong LastSequence { get; init; }

    public ulong DurableSequence { get; init; }

    /// <summary>Why the log takes no writes until it is opened again, or null.</summary>
    public string? ReadOnlyBecause { get; init; }

    /// <summary>The last failure in the background (compaction, hints, sync), or null once it went well again.</summary>
    public string? LastBackgroundError { get; init; }
}
