namespace Strata.Tests;

/// <summary>The process has ended (<see cref="DiskFault.Stop"/>): what calls the disk now would not run any more.</summary>
internal sealed class SimulatedCrashException() : Exception("The process ended here (simulated).");
