using Strata.Testing;
using Strata.Tests;

namespace Strata.Reliability;

/// <summary>
/// Kills, power cuts and failing calls at every step of a disk store's life, on a simulated disk, under random operations
/// of every kind: the old state or the new one, never one in between; nothing in the folder that nothing needs.
/// </summary>
public sealed class DiskCrashTests(ITestOutputHelper output) : IDisposable
{
    private const int Operations = 100, FirstCalls = 200;
    private readonly TemporaryFolder _folder = new();
    private int _openings;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_kill_at_each_of_the_first_200_calls_leaves_the_old_state_or_the_new_one()
    {
        int seed = TestSeed.Next(), step = LongForm.Of(1, 8), calls = await CountChangesAsync(), kills = 0;
        var random = new Random(seed);

        // Beyond the first calls compaction takes part, by itself: where it comes differs from run to run.
        IEnumerable<int> places = Enumerable.Range(1, FirstCalls).Skip(random.Next(step)).Where((_, i) => i % step == 0).Concat(Enumerable.Range(0, LongForm.Of(100, 12)).Select(_ => random.Next(FirstCalls, calls)));
        foreach (int at in places)
        {
            var disk = new SimulatedDisk(at);
            disk.StopAt(at);
            var history = new DiskHistory(seed + at, DiskDurability.OperatingSystem);
            await RunAsync(disk, history, DiskDurability.OperatingSystem);
            SimulatedDisk found = await OpenAndStopAsync(disk.Kill(), random, d => d.Kill());
            await CheckAsync(found, history, history.Settled, $"killed at call {at}");
            kills++;
        }

        output.WriteLine($"{kills} kills in {calls} calls.");
    }

    [Theory]
    [InlineData(DiskDurability.Flush)]
    [InlineData(DiskDurability.Interval)]
    [InlineData(DiskDurability.OperatingSystem)]
    public async Task A_power_cut_loses_at_most_what_the_durability_says_and_only_the_last_of_it(DiskDurability durability)
    {
        int seed = TestSeed.Next(), cuts = LongForm.Of(100, 12), calls = await CountChangesAsync(), lost = 0;
        var random = new Random(seed);
        for (int i = 0; i < cuts; i++)
        {
            var disk = new SimulatedDisk(seed + i);
            int at = random.Next(1, calls);
            disk.StopAt(at);
            var history = new DiskHistory(seed + i, durability);
            await RunAsync(disk, history, durability);
            var cut = (PowerCut)random.Next(3);
            SimulatedDisk found = await OpenAndStopAsync(disk.CutPower(random, cut), random, d => d.CutPower(random, cut));
            int atLeast = durability == DiskDurability.Flush ? history.Settled : history.Durable;
            int state = await CheckAsync(found, history, atLeast, $"cut {i} ({cut}) at call {at} in mode {durability}", mayLoseBytes: durability == DiskDurability.OperatingSystem);
            if (state < history.Settled) lost++;
        }

        output.WriteLine($"{cuts} power cuts, {lost} of them lost operations that were not yet durable.");
        if (durability == DiskDurability.OperatingSystem) Assert.True(lost > 0, "without a sync something must be lost now and then, or the simulation proves nothing");
    }

    [Fact]
    public async Task With_a_disk_that_lies_power_cuts_lose_what_was_acknowledged_so_that_the_test_above_can_fail()
    {
        int calls = await CountChangesAsync();
        bool isLost = false;
        for (int i = 0; i < 40 && !isLost; i++)
        {
            var random = new Random(i);
            int stopAt = random.Next(60, calls);
            var disk = new SimulatedDisk(i) { Faults = call => call.Change >= stopAt ? DiskFault.Stop : call.Operation == DiskOperation.Sync ? DiskFault.SyncLies : DiskFault.None };
            var history = new DiskHistory(i, DiskDurability.Flush);
            await RunAsync(disk, history, DiskDurability.Flush);
            try
            {
                await CheckAsync(disk.CutPower(random, (PowerCut)random.Next(3)), history, history.Settled, "with a disk that lies");
            }
            catch (Exception e) when (e is Xunit.Sdk.XunitException or StorageException)
            {
                isLost = true;
            }
        }

        Assert.True(isLost, "a disk that never syncs lost nothing: the power cuts are no test");
    }

    [Theory]
    [InlineData(DiskFault.Fail)]
    [InlineData(DiskFault.Full)]
    [InlineData(DiskFault.ShortWrite)]
    [InlineData(DiskFault.SyncFails)]
    [InlineData(DiskFault.SyncLosesPages)]
    [InlineData(DiskFault.FailAfterwards)]
    public async Task A_failing_call_is_told_reads_go_on_and_what_was_refused_is_never_found(object fault)
    {
        int seed = TestSeed.Next(), refused = 0, readOnly = 0, went = 0;
        var random = new Random(seed);
        int calls = await CountAsync(c => Fits((DiskFault)fault, c)), step = LongForm.Of(1, Math.Max(1, calls / 22));
        for (int at = 1 + random.Next(step); at < calls; at += step)
        {
            // One call, or, now and then, some on end: a disk that is away for a while.
            int first = at, last = at + (random.Next(4) == 0 ? random.Next(2, 9) : 0), count = 0;
            var disk = new SimulatedDisk(at);
            disk.Faults = call => Fits((DiskFault)fault, call) && Interlocked.Increment(ref count) is var n && n >= first && n <= last ? (DiskFault)fault : DiskFault.None;
            var history = new DiskHistory(seed + at, DiskDurability.Flush);
            Exception? stopped = await RunAsync(disk, history, DiskDurability.Flush, isRead: true);
            refused += history.Refused;
            if (stopped is StorageException) readOnly++;
            else went++;
            string context = $"{fault} of the calls {first} to {last}";
            disk.Faults = null;
            await CheckAsync(disk.Kill(), history, history.Settled, $"{context}, then killed");
            await CheckAsync(disk.CutPower(random), history, history.Settled, $"{context}, then without power");
        }

        output.WriteLine($"{refused} operations refused, {readOnly} runs ended read-only, {went} went on to the end.");
        Assert.True(went > 0);
    }

    private static bool Fits(DiskFault fault, DiskCall call) => call.Change > 0 && fault switch
    {
        DiskFault.ShortWrite => call.Operation == DiskOperation.Write,
        DiskFault.SyncFails or DiskFault.SyncLosesPages => call.Operation == DiskOperation.Sync,
        DiskFault.Full => call.Operation is DiskOperation.Create or DiskOperation.Allocate or DiskOperation.Write,
        _ => true,
    };

    private Task<int> CountChangesAsync() => CountAsync(c => c.Change > 0);

    private async Task<int> CountAsync(Func<DiskCall, bool> which)
    {
        int count = 0;
        var disk = new SimulatedDisk();
        disk.Before = call => Interlocked.Add(ref count, which(call) ? 1 : 0);
        Assert.Null(await RunAsync(disk, new DiskHistory(0, DiskDurability.Flush), DiskDurability.Flush));
        return count;
    }

    /// <summary>Two lives of a store: the second opens what the first left.</summary>
    /// <returns>Why it stopped before its end.</returns>
    private async Task<Exception?> RunAsync(SimulatedDisk disk, DiskHistory history, DiskDurability durability, bool isRead = false)
    {
        Exception? stopped = null;
        for (int life = 0; life < 2 && stopped is null; life++)
        {
            DiskBlobStore store;
            try
            {
                store = await OpenAsync(disk, history, durability);
            }
            catch (Exception e) when (e is SimulatedCrashException or StorageException)
            {
                return e;
            }

            using var done = new CancellationTokenSource();
            Task reading = isRead ? Task.Run(() => history.ReadAllTheWhileAsync(store, done.Token)) : Task.CompletedTask;
            stopped = await history.RunAsync(store, disk, Operations);
            await done.CancelAsync();
            await reading;
            Exception? inClosing = await CloseAsync(store);
            stopped ??= inClosing;
            if (stopped is null) history.Flushed();
        }

        return stopped;
    }

    /// <summary>Now and then the opening after a crash is stopped as well.</summary>
    private async Task<SimulatedDisk> OpenAndStopAsync(SimulatedDisk disk, Random random, Func<SimulatedDisk, SimulatedDisk> next)
    {
        if (random.Next(2) == 0) return disk;
        disk.StopAt(random.Next(1, 20));
        try
        {
            await CloseAsync(await OpenAsync(disk, new DiskHistory(0, DiskDurability.Flush), DiskDurability.Flush));
        }
        catch (SimulatedCrashException)
        {
            // As was planned.
        }

        return next(disk);
    }

    private async Task<int> CheckAsync(SimulatedDisk disk, DiskHistory history, int atLeast, string context, bool mayLoseBytes = false)
    {
        DiskBlobStore store;
        try
        {
            store = await OpenAsync(disk, history, DiskDurability.Flush);
        }
        catch (StorageException e)
        {
            throw new Xunit.Sdk.XunitException($"{context}: the store does not open: {e.Message}\n{disk.Trace}", e);
        }

        int state;
        await using (store) state = await history.CheckAsync(store, disk, atLeast, mayLoseBytes, context);
        Assert.True(disk.OpenFiles == 0, $"{context}: {disk.OpenFiles} files are left open");
        return state;
    }

    private static async Task<Exception?> CloseAsync(DiskBlobStore store)
    {
        try
        {
            await store.DisposeAsync();
            return null;
        }
        catch (SimulatedCrashException e)
        {
            return e;
        }
    }

    /// <summary>Each opening has a folder of its own for the owner's lock: a store that was killed may still hold the last one.</summary>
    private async Task<DiskBlobStore> OpenAsync(SimulatedDisk disk, DiskHistory history, DiskDurability durability) => await DiskBlobStore.OpenAsync(
        new DiskBlobStoreOptions { Path = Path.Combine(_folder.Path, $"{_openings++}"), Disk = disk, Durability = durability, SegmentBytes = LogOptions.MinSegmentBytes, CompactionBytesPerSecond = null },
        StoreContext.Default with { Clock = history.Clock });
}
