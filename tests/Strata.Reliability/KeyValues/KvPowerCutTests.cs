using Strata.Sqlite;
using Strata.Workload;

namespace Strata.Reliability;

/// <summary>Power cuts under a KV database of either kind on a real file system, as <see cref="PowerCutTests"/> does it to stores.</summary>
public sealed class KvPowerCutTests(ITestOutputHelper output)
{
    private const int CutsOfADisk = 10;
    private static readonly int Cuts = LongForm.Of(100, 5);

    [Theory]
    [InlineData(KvFiles.Log)]
    [InlineData(KvFiles.Sqlite)]
    internal async Task With_a_flush_no_acknowledged_commit_is_lost(KvFiles files) => Assert.Equal(0, await CutAsync(Cuts, files, DiskDurability.Flush));

    /// <summary>And no versionstamp comes again, not even one of a commit that is lost: somebody may have kept it for a check.</summary>
    [Theory]
    [InlineData(KvFiles.Log, DiskDurability.OperatingSystem)]
    [InlineData(KvFiles.Log, DiskDurability.Interval)]
    [InlineData(KvFiles.Sqlite, DiskDurability.OperatingSystem)]
    internal async Task Without_a_flush_the_last_commits_alone_are_lost_and_each_of_them_whole(KvFiles files, DiskDurability durability)
    {
        long lost = await CutAsync(Cuts, files, durability);
        Assert.True(lost > 0 || durability == DiskDurability.Interval, "no power cut lost anything that was never flushed: the cuts are no test, here and where commits are flushed");
    }

    [Fact]
    public async Task A_disk_that_lies_about_flushes_is_noticed()
    {
        for (int i = 0; i < 5; i++)
        {
            Exception? noticed = await Record.ExceptionAsync(() => CutAsync(2, KvFiles.Log, DiskDurability.Flush, lies: true));
            if (noticed is null) continue;
            output.WriteLine($"noticed: {noticed.Message}");
            return;
        }

        Assert.Fail("ten power cuts of a disk on which nothing was flushed have lost nothing");
    }

    /// <returns>How many acknowledged commits are lost.</returns>
    private async Task<long> CutAsync(int cuts, KvFiles files, DiskDurability durability, bool lies = false)
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        KvWriterHistory history = new();
        long lost = 0, acknowledged = 0;
        LoopDisk? disk = null;
        try
        {
            for (int cut = 0; cut < cuts; cut++)
            {
                if (cut % CutsOfADisk == 0)
                {
                    if (disk is not null) await disk.DisposeAsync();
                    disk = await LoopDisk.CreateAsync();
                    history = new KvWriterHistory();
                }

                string context = $"seed {seed}, power cut {cut} in mode {durability}";
                WorkloadSettings settings = new() { Command = WorkloadCommand.Kv, Files = files, Folder = FolderOn(disk!), Seed = 1, Writers = 4, KeysPerWriter = 10, Durability = durability, LiesAboutSyncs = lies, SyncInterval = TimeSpan.FromMilliseconds(100), Time = TimeSpan.FromHours(cut) };
                using WorkloadProcess process = WorkloadProcess.Start(settings);
                LoopDisk left = await LiveAndCutAsync(process, disk!, random, isFirst: cut % CutsOfADisk == 0, isFlushed: durability == DiskDurability.Flush);
                await disk!.DisposeAsync();
                disk = left;
                Assert.DoesNotContain(process.Printed, l => l.StartsWith("refused", StringComparison.Ordinal) || l.StartsWith("wrong", StringComparison.Ordinal));
                (long lostBefore, int before) = (history.Lost, history.Acknowledged);
                history.Add(process.Printed, context);
                await CheckAsync(history, settings with { Folder = FolderOn(disk), LiesAboutSyncs = false }, context);
                lost += history.Lost - lostBefore;
                acknowledged += history.Acknowledged - before;
            }
        }
        finally
        {
            if (disk is not null) await disk.DisposeAsync();
        }

        output.WriteLine($"{files}: {cuts} power cuts in mode {durability}: {lost} of {acknowledged} acknowledged commits lost");
        return lost;
    }

    private static string FolderOn(LoopDisk disk) => Path.Combine(disk.Path, "kv");

    /// <summary>Lets a process commit for a while, then cuts the power.</summary>
    private static async Task<LoopDisk> LiveAndCutAsync(WorkloadProcess process, LoopDisk disk, Random random, bool isFirst, bool isFlushed)
    {
        // Now and then before the database is open: a recovery is cut, too.
        if (!isFirst && random.Next(6) == 0)
        {
            await Task.Delay(random.Next(300));
        }
        else
        {
            await process.HasCommittedAsync(TimeSpan.FromMilliseconds(random.Next(400)));
            if (!isFlushed) disk.WriteSomeBack("kv", random);
        }

        await process.StopAsync();
        LoopDisk left = await disk.CutPowerAsync();
        await process.KillAsync();
        return left;
    }

    private static async Task CheckAsync(KvWriterHistory history, WorkloadSettings settings, string context)
    {
        await using (IKvDatabase database = await settings.OpenKvAsync()) await history.CheckAsync(database, settings, context, mayLose: settings.Durability != DiskDurability.Flush);
        if (settings.Files != KvFiles.Sqlite) return;
        using SqliteSession session = SqliteKvSchema.OpenReader(settings.Sqlite);
        Assert.Equal("ok", session.Text("PRAGMA integrity_check"));
    }
}
