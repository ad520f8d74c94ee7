namespace Strata;

/// <summary>How a segment came about.</summary>
internal enum LogSegmentKind : byte
{
    /// <summary>Commits were appended to it; its frames carry their LSNs.</summary>
    Appended = 1,

    /// <summary>Compaction wrote it from what was still needed of others; its frames are counted from 1, its entries carry their LSNs.</summary>
    Compacted = 2,
}
