using Strata.Tests;

namespace Strata.Reliability;

/// <summary>
/// Kills, power cuts and failing calls at every step of a log's life, on a simulated disk: what was acknowledged is there,
/// what was refused is not, and a batch is all or nothing (CONSISTENCY 7).
/// </summary>
public sealed class LogCrashTests(ITestOutputHelper output)
{
    private const int Commits = 150;

    [Fact]
    public async Task A_kill_at_each_call_loses_no_acknowledged_commit()
    {
        // The later calls come from compaction, which runs by itself: where they are differs from run to run.
        int calls = await CountChangesAsync();
        int step = LongForm.IsOn ? 1 : Math.Max(1, calls / 250);
        for (int at = 1; at < calls; at += step)
        {
            var disk = new SimulatedDisk();
            disk.StopAt(at);
            var history = new LogHistory(at);
            await RunAsync(disk, history, DiskDurability.OperatingSystem);
            await CheckAsync(disk.Kill(), history, history.Settled, $"killed at call {at}");
        }

        output.WriteLine($"{calls} calls, a kill at each {step}.");
    }

    [Theory]
    [InlineData(DiskDurability.Flush)]
    [InlineData(DiskDurability.Interval)]
    [InlineData(DiskDurability.OperatingSystem)]
    public async Task A_power_cut_loses_at_most_what_the_durability_says_and_only_the_last_of_it(DiskDurability durability)
    {
        int calls = await CountChangesAsync(), lost = 0, cuts = LongForm.IsOn ? 1_000 : 150, seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (int i = 0; i < cuts; i++)
        {
            var disk = new SimulatedDisk(seed + i);
            disk.StopAt(random.Next(1, calls));
            var history = new LogHistory(seed + i);
            await RunAsync(disk, history, durability);
            var cut = (PowerCut)random.Next(3);
            int found = await CheckAsync(disk.CutPower(random, cut), history, durability == DiskDurability.Flush ? history.Settled : history.Durable, $"cut {i} ({cut}) in mode {durability}");
            if (found < history.Settled) lost++;
        }

        output.WriteLine($"{cuts} power cuts, {lost} of them lost commits that were not yet durable.");
        if (durability != DiskDurability.Flush) Assert.True(lost > 0, "without a sync something must be lost now and then, or the simulation proves nothing");
    }

    [Fact]
    public async Task Without_syncs_power_cuts_lose_acknowledged_commits_so_that_the_test_above_can_fail()
    {
        int lost = 0;
        for (int i = 0; i < 40 && lost == 0; i++)
        {
            var random = new Random(i);
            var disk = new SimulatedDisk { Faults = Lie(random.Next(60, 200)) };
            var history = new LogHistory(i);
            await RunAsync(disk, history, DiskDurability.Flush);
            try
            {
                await CheckAsync(disk.CutPower(random, PowerCut.LosesAll), history, history.Settled, "without syncs");
            }
            catch (Exception e) when (e is Xunit.Sdk.XunitException or StorageException)
            {
                lost++;
            }
        }

        Assert.True(lost > 0, "a disk that never syncs lost nothing: the power cuts are no test");
    }

    [Theory]
    [InlineData(DiskFault.Fail)]
    [InlineData(DiskFault.Full)]
    [InlineData(DiskFault.ShortWrite)]
    [InlineData(DiskFault.SyncFails)]
    [InlineData(DiskFault.SyncLosesPages)]
    [InlineData(DiskFault.SyncLosesSomePages)]
    [InlineData(DiskFault.FailAfterwards)]
    [InlineData(DiskFault.ShortWriteThenFull)]
    public async Task A_failing_call_is_told_and_what_was_refused_is_never_found(object fault)
    {
        int calls = await CountChangesAsync(), step = LongForm.IsOn ? 1 : Math.Max(1, calls / 100), refused = 0, readOnly = 0, went = 0;
        for (int at = 5; at < calls; at += step)
        {
            var random = new Random(at);
            int failing = at;
            var disk = new SimulatedDisk { Faults = call => call.Change == failing && Fits((DiskFault)fault, call.Operation) ? (DiskFault)fault : DiskFault.None };
            var history = new LogHistory(at);
            Exception? stopped = await RunAsync(disk, history, DiskDurability.Flush);
            refused += history.Refused;
            if (stopped is StorageException { Outcome: WriteOutcome.Unknown }) readOnly++;
            else if (stopped is null) went++;
            await CheckAsync(disk.Kill(), history, history.Settled, $"{fault} at call {at}, then killed");
            await CheckAsync(disk.CutPower(random), history, history.Settled, $"{fault} at call {at}, then without power");
        }

        output.WriteLine($"{refused} commits refused, {readOnly} runs ended read-only, {went} went on to the end.");
        Assert.True(went > 0);
    }

    [Fact]
    public async Task A_full_disk_takes_deletes_keeps_reading_and_writes_again_when_there_is_room()
    {
        for (int seed = 0; seed < (LongForm.IsOn ? 200 : 20); seed++)
        {
            var disk = new SimulatedDisk { Capacity = (3 << 20) + (seed * 7_919) };
            await using LogEngine log = Open(disk, DiskDurability.Flush);
            byte[] value = new byte[2_000];
            int written = 0;
            StorageException? full = null;
            while (full is null)
            {
                try
                {
                    using var batch = new LogBatch();
                    batch.Put(Key(written), value);
                    await log.CommitAsync(batch);
                    written++;
                }
                catch (StorageException e)
                {
                    full = e;
                }

                Assert.True(written < 4_000, "a disk of 3 MiB took 8 MB");
            }

            Assert.Equal(StorageErrorKind.Full, full.Kind);
            Assert.Equal(WriteOutcome.NotApplied, full.Outcome);
            for (int i = 0; i < written; i++)
            {
                Assert.True(log.TryRead(Key(i), out LogEntry entry), "a full disk must stay readable");
                entry.Dispose();
            }

            for (int i = 0; i < written; i++)
            {
                using var batch = new LogBatch();
                batch.Delete(Key(i));
                Assert.True((await log.CommitAsync(batch)).IsApplied, "a full disk must take deletes");
            }

            await Eventually.HoldsAsync(
                async () =>
                {
                    try
                    {
                        using var batch = new LogBatch();
                        batch.Put(Key(0), value);
                        return (await log.CommitAsync(batch)).IsApplied;
                    }
                    catch (StorageException e) when (e.Kind == StorageErrorKind.Full)
                    {
                        return false;
                    }
                },
                what: "after deletes the log must write again");
        }
    }

    private static bool Fits(DiskFault fault, DiskOperation operation) => fault switch
    {
        DiskFault.ShortWrite or DiskFault.ShortWriteThenFull => operation == DiskOperation.Write,
        DiskFault.SyncFails or DiskFault.SyncLosesPages or DiskFault.SyncLosesSomePages => operation == DiskOperation.Sync,
        DiskFault.Full => operation is DiskOperation.Create or DiskOperation.Allocate or DiskOperation.Write,
        _ => true,
    };

    private static Func<DiskCall, DiskFault> Lie(int stopAt) => call =>
        call.Change >= stopAt ? DiskFault.Stop : call.Operation == DiskOperation.Sync ? DiskFault.SyncLies : DiskFault.None;

    private static byte[] Key(int key) => [(byte)LogKeyspace.System, .. BitConverter.GetBytes(key)];

    private static async Task<int> CountChangesAsync()
    {
        var disk = new SimulatedDisk();
        await RunAsync(disk, new LogHistory(0), DiskDurability.Flush);
        return disk.Changes;
    }

    /// <summary>Two lives of a log: the second opens what the first left.</summary>
    private static async Task<Exception?> RunAsync(SimulatedDisk disk, LogHistory history, DiskDurability durability)
    {
        Exception? stopped = null;
        for (int life = 0; life < 2 && stopped is null; life++)
        {
            LogEngine log;
            try
            {
                log = Open(disk, durability);
            }
            catch (Exception e) when (e is SimulatedCrashException or StorageException)
            {
                return e;
            }

            try
            {
                stopped = await history.RunAsync(log, Commits / 3);
                if (stopped is null && durability != DiskDurability.Flush)
                {
                    await log.FlushAsync();
                    history.Flushed();
                }

                stopped ??= await history.RunAsync(log, Commits / 6);
            }
            catch (Exception e) when (e is SimulatedCrashException or StorageException)
            {
                stopped = e;
            }

            Exception? inClosing = await CloseAsync(log);
            stopped ??= inClosing;
            if (stopped is null) history.Flushed();
        }

        return stopped;
    }

    private static async Task<Exception?> CloseAsync(LogEngine log)
    {
        try
        {
            await log.DisposeAsync();
            return null;
        }
        catch (SimulatedCrashException e)
        {
            return e;
        }
    }

    private static async Task<int> CheckAsync(SimulatedDisk disk, LogHistory history, int atLeast, string context)
    {
        LogEngine log;
        try
        {
            log = Open(disk, DiskDurability.Flush);
        }
        catch (StorageException e)
        {
            throw new Xunit.Sdk.XunitException($"{context}: the log does not open: {e.Message}", e);
        }

        await using (log) return history.Check(log, atLeast, context);
    }

    private static LogEngine Open(SimulatedDisk disk, DiskDurability durability) =>
        LogEngine.Open(new LogOptions { Name = "test", SegmentBytes = LogOptions.MinSegmentBytes, Durability = durability, CompactionBytesPerSecond = null }, disk);
}
