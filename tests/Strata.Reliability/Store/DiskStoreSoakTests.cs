using Strata.Workload;

namespace Strata.Reliability;

/// <summary>A disk store as a cache tier under a mixed load, in a process of its own, so that its handles and its memory are nobody else's.</summary>
public sealed class DiskStoreSoakTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_cache_keeps_its_bound_and_neither_handles_nor_memory_nor_its_folder_grow()
    {
        using var folder = new TemporaryFolder();
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var settings = new WorkloadSettings
        {
            Command = WorkloadCommand.Soak,
            Folder = folder.Path,
            Seed = seed,
            Durability = DiskDurability.OperatingSystem,
            SegmentBytes = LongForm.Of(LogOptions.MaxSegmentBytes, 4 << 20),
            Bytes = LongForm.Of(1 << 30, 64 << 20),
            Time = LongForm.Of(TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(20)),
        };
        using WorkloadProcess process = WorkloadProcess.Start(settings);
        int code = await process.ExitCodeAsync(settings.Time + TimeSpan.FromMinutes(2));
        output.WriteLine(process.Text);
        Assert.True(code == WriteCommand.Well, process.Text);
    }
}
