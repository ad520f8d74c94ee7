namespace Strata;

/// <summary>A key's latest entry, as a <see cref="LogMerge"/> gives it: a million of them at an opening, so it is written in place.</summary>
internal struct LogMergeEntry
{
    public LogLocation Location;

    /// <summary>LSN of the commit that wrote it.</summary>
    public ulong Sequence;

    /// <summary>Unix milliseconds; 0 = never.</summary>
    public long Expires;

    /// <summary>The source that it is of, by its number in the merge.</summary>
    public int Source;

    /// <summary>Where its key ends in the batch; it begins where the one before ends.</summary>
    public int KeyEnd;
}
