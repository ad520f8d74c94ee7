namespace Strata.Reliability;

internal enum RegisterAction
{
    Read,
    Write,

    /// <summary>A delete that does not tell whether anything was there.</summary>
    Delete,

    /// <summary>A write that expects the place of what was read; it may be refused though the value is the same.</summary>
    Swap,

    /// <summary>A delete that tells.</summary>
    Remove,

    /// <summary>A write that expects nothing there.</summary>
    Create,

    /// <summary>A write that expects the value that was read.</summary>
    Replace,

    /// <summary>What the store dropped by itself: possible only where there is something.</summary>
    Evict,
}
