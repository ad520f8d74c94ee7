namespace Strata.Tests;

/// <summary>What a call of a <see cref="SimulatedDisk"/> may do, and whether it then fails.</summary>
/// <param name="Call">The call.</param>
/// <param name="Fault">What goes wrong with it.</param>
/// <param name="Order">The last change that was made before it: a sync promises no later one.</param>
internal readonly record struct DiskCallPermit(DiskCall Call, DiskFault Fault, long Order)
{
    public static IOException Full() => new("No space left on device (simulated)", 28);

    /// <summary>Nothing is done where the fault is not one that leaves something behind.</summary>
    public void Start()
    {
        bool isCarriedOut = Call.Operation switch
        {
            _ when Fault is DiskFault.None => true,
            DiskOperation.Write => Fault is DiskFault.ShortWrite or DiskFault.ShortWriteThenFull or DiskFault.FailAfterwards or DiskFault.Stop,
            DiskOperation.Sync => Fault is DiskFault.SyncFails or DiskFault.SyncLies or DiskFault.SyncLosesPages or DiskFault.SyncLosesSomePages or DiskFault.FailAfterwards,
            DiskOperation.Rename or DiskOperation.Delete or DiskOperation.CreateFolder or DiskOperation.SyncFolder or DiskOperation.Truncate => Fault is DiskFault.FailAfterwards,
            _ => false,
        };
        if (!isCarriedOut) End();
    }

    public void End()
    {
        if (Fault is DiskFault.None or DiskFault.SyncLies) return;
        throw Fault switch
        {
            DiskFault.Full or DiskFault.ShortWriteThenFull => Full(),
            DiskFault.Stop => new SimulatedCrashException(),
            _ => new IOException($"{Call.Operation} of {Call.Name} failed: Input/output error (simulated)", 5),
        };
    }
}
