using Strata.Workload;

namespace Strata.Reliability;

/// <summary>kill -9 of a process that commits to a disk KV database, over and over on one folder, its clock set back at each start.</summary>
public sealed class KilledDatabaseTests(ITestOutputHelper output)
{
    private const int Writers = 4;
    private static readonly int Kills = LongForm.Of(1_000, 50);

    [Fact]
    public async Task No_kill_loses_an_acknowledged_commit_leaves_half_of_one_or_repeats_a_versionstamp()
    {
        int seed = Random.Shared.Next(), opened = 0;
        output.WriteLine($"seed {seed}");
        using var folder = new TemporaryFolder();
        var random = new Random(seed);
        var history = new CommitHistory(Writers);
        for (int kill = 0; kill < Kills; kill++)
        {
            var settings = new WorkloadSettings
            {
                Command = WorkloadCommand.Commit,
                Folder = Path.Combine(folder.Path, "kv"),
                Writers = Writers,
                Durability = random.Next(4) > 0 ? DiskDurability.Flush : DiskDurability.OperatingSystem,
                Time = TimeSpan.FromHours(kill),
            };
            using WorkloadProcess process = WorkloadProcess.Start(settings);

            // One in five while it starts and opens what the one before has left.
            if (random.Next(5) == 0) await Task.Delay(random.Next(300));
            else await process.HasWrittenAsync(TimeSpan.FromMilliseconds(random.Next(100)));
            await process.KillAsync();
            if (process.Printed.Contains(WriteCommand.Opened)) opened++;
            Assert.True(process.Printed.All(l => l == WriteCommand.Opened), $"before kill {kill} something was wrong: {process.Text}");
            await history.CheckAsync(process.Acknowledged, settings.Database, $"seed {seed}, kill {kill}");
        }

        output.WriteLine($"{Kills} kills, {opened} of them with the database open; {history.Acknowledged} acknowledged commits, none lost");
        Assert.True(history.Acknowledged > Kills, $"{history.Acknowledged} commits in {Kills} lives are no test");
    }
}
