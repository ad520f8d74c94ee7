using Xunit;

namespace Strata.Tests;

/// <summary>What a loss of power leaves of the log.</summary>
public sealed class LogPowerCutTests
{
    [Fact]
    public async Task The_first_commit_of_a_new_log_outlives_a_power_cut()
    {
        var disk = new SimulatedDisk();
        await using LogEngine log = LogEngine.Open(new LogOptions { Name = "test" }, disk);
        await LogEngineTests.Put(log, "a", "one");
        await using LogEngine found = LogEngine.Open(new LogOptions { Name = "test" }, disk.CutPower(new Random(1), PowerCut.LosesAll));
        Assert.Equal("one", LogEngineTests.Read(found, "a"));
    }
}
