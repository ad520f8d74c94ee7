namespace Strata.Workload;

/// <summary>What the folders of a store are to each other.</summary>
internal enum StoreLayers
{
    /// <summary>One folder.</summary>
    Disk,

    /// <summary>A warm folder that acknowledges writes, and a second one, the origin, that gets them afterwards.</summary>
    WriteBack,

    /// <summary>Two folders, of which each blob lives in one.</summary>
    Exclusive,
}
