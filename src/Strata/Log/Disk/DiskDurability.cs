namespace Strata;

/// <summary>When a disk store acknowledges a write.</summary>
public enum DiskDurability
{
    /// <summary>After the file and its folder are flushed to the medium: an acknowledged write survives a power cut.</summary>
    Flush,

    /// <summary>After the operating system has it, which is told to flush at an interval: a power cut loses at most the writes of the last interval, and only the last ones.</summary>
    Interval,

    /// <summary>After the operating system has it: survives the end of the process, not a power cut. For tiers that hold copies.</summary>
    OperatingSystem,
}
