namespace Strata.Tests;

/// <summary>What a loss of power does to what was not synced.</summary>
internal enum PowerCut
{
    /// <summary>Anything: each page is as after any of its unsynced writes, or torn between two of them in sectors; each file has any of its unsynced lengths; of a folder's changed names those up to any one of them are kept.</summary>
    AnySubset,

    /// <summary>All of it is gone.</summary>
    LosesAll,

    /// <summary>It is kept up to one moment, over all files and folders, and the write at that moment is torn.</summary>
    KeepsPrefix,
}
