namespace Strata;

/// <summary>Where an entry of the log is, and of what kind.</summary>
/// <param name="Segment">The segment's incarnation: from 1 on, never used twice.</param>
/// <param name="Offset">Offset of the entry in its segment, bytes.</param>
/// <param name="Units">The entry's length in units of 8 bytes, less than 2^24.</param>
/// <param name="Flags">Its kind.</param>
internal readonly record struct LogLocation(uint Segment, uint Offset, uint Units, LogEntryFlags Flags)
{
    /// <summary>False for the place of nothing.</summary>
    public bool IsKnown => Segment != 0;

    /// <summary>The entry's length, bytes.</summary>
    public int Length => (int)(Units * 8);

    /// <summary>True if both name the same place, whatever was read meanwhile.</summary>
    public bool IsSamePlaceAs(LogLocation other) => Segment == other.Segment && Offset == other.Offset;
}
