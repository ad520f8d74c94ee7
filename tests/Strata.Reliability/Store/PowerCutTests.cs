using System.Diagnostics;
using Strata.Workload;
using Xunit.Sdk;

namespace Strata.Reliability;

/// <summary>
/// Power cuts under a disk store on a real file system: the process is stopped, what has reached the medium is copied, and
/// the store is opened from there.
/// </summary>
public sealed class PowerCutTests(ITestOutputHelper output)
{
    private const int Writers = 4, CutsOfADisk = 10;
    private static readonly int Cuts = LongForm.Of(100, 6);

    /// <summary>The interval of the syncs, and what a busy machine may be late by.</summary>
    private static readonly TimeSpan SyncInterval = TimeSpan.FromMilliseconds(200), Lateness = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task With_a_flush_nothing_acknowledged_is_lost()
    {
        StoreHistory history = await CutAsync(Cuts, DiskDurability.Flush, (_, _) => true);
        Assert.Equal(0, history.Lost);
    }

    [Fact]
    public Task With_an_interval_no_more_than_its_last_writes_are_lost() =>
        CutAsync(Cuts, DiskDurability.Interval, (acknowledgement, cut) => Stopwatch.GetElapsedTime(acknowledgement.At, cut) > SyncInterval + Lateness, writesAtLeast: SyncInterval + Lateness);

    [Fact]
    public async Task Without_a_flush_the_store_opens_and_only_the_last_writes_are_lost()
    {
        StoreHistory history = await CutAsync(Cuts, DiskDurability.OperatingSystem, (_, _) => false);
        Assert.True(history.Lost > 0, "no power cut lost anything that was never flushed: the cuts are no test");
    }

    [Fact]
    public async Task A_disk_that_lies_about_flushes_is_noticed_so_that_the_tests_above_can_fail()
    {
        for (int i = 0; i < 5; i++)
        {
            try
            {
                await CutAsync(1, DiskDurability.Flush, (_, _) => true, lies: true);
            }
            catch (XunitException e) when (e is not TrueException)
            {
                output.WriteLine($"noticed: {e.Message}");
                return;
            }
        }

        Assert.Fail("five power cuts of a disk on which nothing was flushed have lost nothing");
    }

    private async Task<StoreHistory> CutAsync(int cuts, DiskDurability durability, Func<Acknowledgement, long, bool> mustBeThere, bool lies = false, TimeSpan writesAtLeast = default)
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var history = new StoreHistory(seed, Writers);
        LoopDisk? disk = null;
        try
        {
            for (int cut = 0; cut < cuts; cut++)
            {
                if (cut % CutsOfADisk == 0)
                {
                    if (disk is not null) await disk.DisposeAsync();
                    disk = await LoopDisk.CreateAsync();
                    history.Restart();
                }

                WorkloadSettings settings = history.Next(StoreOn(disk!)) with { Durability = durability, SyncInterval = SyncInterval, LiesAboutSyncs = lies };
                using WorkloadProcess process = WorkloadProcess.Start(settings);
                (LoopDisk left, long at) = await LiveAndCutAsync(process, settings, disk!, random, isFirst: cut % CutsOfADisk == 0, writesAtLeast);
                await disk!.DisposeAsync();
                disk = left;
                await history.CheckAsync(process, settings with { Folder = StoreOn(disk) }, a => mustBeThere(a, at), $"seed {seed}, power cut {cut} in mode {durability}", mayLoseFiles: durability == DiskDurability.OperatingSystem);
            }
        }
        finally
        {
            if (disk is not null) await disk.DisposeAsync();
        }

        output.WriteLine($"{cuts} power cuts in mode {durability}: {history.Lost} of {history.Acknowledged} acknowledged steps lost");
        return history;
    }

    private static string StoreOn(LoopDisk disk) => Path.Combine(disk.Path, "store");

    /// <summary>Lets a process write for a while, then cuts the power.</summary>
    /// <returns>What is left, and when that was.</returns>
    private static async Task<(LoopDisk Left, long At)> LiveAndCutAsync(WorkloadProcess process, WorkloadSettings settings, LoopDisk disk, Random random, bool isFirst, TimeSpan writesAtLeast)
    {
        // Now and then before the store is open: a recovery is cut, too.
        if (!isFirst && random.Next(6) == 0)
        {
            await Task.Delay(random.Next(300));
        }
        else
        {
            await process.HasWrittenAsync(writesAtLeast + TimeSpan.FromMilliseconds(random.Next(400)));
            if (settings.Durability != DiskDurability.Flush) disk.WriteSomeBack("store", random);
        }

        await process.StopAsync();
        long at = Stopwatch.GetTimestamp();
        Assert.True(process.Printed.All(l => l == WriteCommand.Opened), $"the store refused something: {process.Text}");
        LoopDisk left = await disk.CutPowerAsync();
        await process.KillAsync();
        return (left, at);
    }
}
