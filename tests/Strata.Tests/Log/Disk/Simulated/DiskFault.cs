namespace Strata.Tests;

/// <summary>What goes wrong with a call. One that does not fit the operation is <see cref="Fail"/>.</summary>
internal enum DiskFault
{
    None,

    /// <summary>EIO; nothing happened. What a sync was to put on the medium is still unsynced, and the next may do it.</summary>
    Fail,

    /// <summary>ENOSPC; nothing happened. For a disk that stays full see <see cref="SimulatedDisk.Capacity"/>.</summary>
    Full,

    /// <summary>Half of it is written, then EIO.</summary>
    ShortWrite,

    /// <summary>Half of it is written, then ENOSPC.</summary>
    ShortWriteThenFull,

    /// <summary>EIO; what was written stays written and unsynced.</summary>
    SyncFails,

    /// <summary>A disk that lies: it says that it is done, and nothing got to the medium.</summary>
    SyncLies,

    /// <summary>EIO; what was written counts as clean, is read until <see cref="ILogFile.DropCache"/>, and is never on the medium: what Linux does.</summary>
    SyncLosesPages,

    /// <summary>The same, but some pages and sectors did get to the medium.</summary>
    SyncLosesSomePages,

    /// <summary>EIO, and yet all of it was done: the error came too late.</summary>
    FailAfterwards,

    /// <summary>The process ends before this call, or, if it is a write, in the middle of it; this call and all later ones throw <see cref="SimulatedCrashException"/>.</summary>
    Stop,
}
