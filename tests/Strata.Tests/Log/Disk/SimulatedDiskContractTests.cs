namespace Strata.Tests;

public sealed class SimulatedDiskContractTests : LogDiskContract
{
    private protected override ILogDisk NewDisk() => new SimulatedDisk();
}
