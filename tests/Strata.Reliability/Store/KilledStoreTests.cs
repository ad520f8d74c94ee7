using Strata.Workload;

namespace Strata.Reliability;

/// <summary>kill -9 of a process with a disk store in it, at any moment of its life, over and over on one folder.</summary>
public sealed class KilledStoreTests(ITestOutputHelper output)
{
    private static readonly int Kills = LongForm.Of(1_000, 50);

    [Fact]
    public async Task No_kill_loses_an_acknowledged_write_or_leaves_half_of_one()
    {
        int seed = Random.Shared.Next(), opened = 0;
        output.WriteLine($"seed {seed}");
        using var folder = new TemporaryFolder();
        string store = Path.Combine(folder.Path, "store");
        var random = new Random(seed);
        var history = new StoreHistory(seed, writers: 4);
        for (int kill = 0; kill < Kills; kill++)
        {
            WorkloadSettings settings = history.Next(store) with { Durability = random.Next(4) > 0 ? DiskDurability.Flush : DiskDurability.OperatingSystem };
            using WorkloadProcess process = WorkloadProcess.Start(settings);

            // One in five while it starts and opens what the one before has left.
            if (random.Next(5) == 0) await Task.Delay(random.Next(300));
            else await process.HasWrittenAsync(TimeSpan.FromMilliseconds(random.Next(100)));
            await process.KillAsync();
            if (process.Printed.Contains(WriteCommand.Opened)) opened++;
            Assert.True(process.Printed.All(l => l == WriteCommand.Opened), $"before kill {kill} the store refused something: {process.Text}");

            // The operating system has it: only a power cut would take it back.
            await history.CheckAsync(process, settings, _ => true, $"seed {seed}, kill {kill}");
        }

        output.WriteLine($"{Kills} kills, {opened} of them with the store open; {history.Acknowledged} acknowledged steps, none lost");
        Assert.True(history.Acknowledged > Kills, $"{history.Acknowledged} writes in {Kills} lives are no test");
    }
}
