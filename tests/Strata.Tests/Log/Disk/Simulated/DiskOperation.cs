namespace Strata.Tests;

/// <summary>What is asked of a <see cref="SimulatedDisk"/>: first what changes something, then the rest.</summary>
internal enum DiskOperation
{
    Create,
    Rename,
    Delete,
    CreateFolder,
    SyncFolder,
    Write,
    Sync,
    Allocate,
    Truncate,
    Open,
    Read,
    List,
    Exists,
    LengthOf,
    StartWriteBack,
    DropCache,
}
