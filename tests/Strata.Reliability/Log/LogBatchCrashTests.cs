using System.Buffers;
using Strata.Testing;
using Strata.Tests;

namespace Strata.Reliability;

/// <summary>A batch of a thousand changes is all or nothing, wherever the process, the power or a call of the disk ends in it (CONSISTENCY 7).</summary>
public sealed class LogBatchCrashTests
{
    private const int Keys = 1_500, Mutations = 1_000, Batches = 8;

    [Fact]
    public async Task A_batch_of_a_thousand_changes_is_whole_or_not_there_after_a_kill_or_a_power_cut()
    {
        int seed = TestSeed.Next(), stops = LongForm.Of(200, 20), stopped = 0;
        var random = new Random(seed);
        var whole = new SimulatedDisk();
        await RunAsync(whole, 0);
        for (int i = 0; stopped < stops; i++)
        {
            // A write that the process ends in is carried out up to some byte, which the disk's own seed chooses.
            var disk = new SimulatedDisk(seed + i);
            disk.StopAt(random.Next(1, whole.Changes));
            List<int[]> states = await RunAsync(disk, seed + i);
            if (disk.IsStopped) stopped++;
            await CheckAsync(disk.Kill(), states, $"stop {i}, killed, seed {seed}");
            await CheckAsync(disk.CutPower(random), states, $"stop {i}, without power, seed {seed}");
        }
    }

    [Theory]
    [InlineData(DiskFault.ShortWrite)]
    [InlineData(DiskFault.SyncFails)]
    [InlineData(DiskFault.SyncLosesSomePages)]
    [InlineData(DiskFault.FailAfterwards)]
    public async Task A_batch_that_was_refused_has_left_nothing_and_the_next_one_is_taken(object fault)
    {
        for (int count = 1; count <= 6; count++)
        {
            var disk = new SimulatedDisk(count);
            await using LogEngine log = Open(disk);
            var random = new Random(count);
            int[] state = new int[Keys];
            await CommitAsync(log, state, 1, random);
            DiskOperation operation = (DiskFault)fault is DiskFault.ShortWrite ? DiskOperation.Write : DiskOperation.Sync;
            disk.FailAt(operation, count, (DiskFault)fault);
            for (int number = 2; number < 8; number++)
            {
                int[] before = [.. state];
                try
                {
                    await CommitAsync(log, state, number, random);
                }
                catch (StorageException e)
                {
                    Assert.Equal(WriteOutcome.NotApplied, e.Outcome);
                    state = before;
                }

                Assert.True(Read(log).AsSpan().SequenceEqual(state), $"batch {number} is read in parts, after {operation} {count} has failed");
            }

            await CheckAsync(disk.CutPower(random), [state], $"{operation} {count} has failed ({fault}), then the power");
        }
    }

    /// <summary>Commits until the process ends.</summary>
    /// <returns>What may be found: what was acknowledged last, and what was under way.</returns>
    private static async Task<List<int[]>> RunAsync(SimulatedDisk disk, int seed)
    {
        var random = new Random(seed);
        int[] state = new int[Keys], acknowledged = [.. state];
        try
        {
            LogEngine log = Open(disk);
            try
            {
                for (int number = 1; number <= Batches; number++)
                {
                    await CommitAsync(log, state, number, random);
                    acknowledged = [.. state];
                }
            }
            finally
            {
                await log.DisposeAsync();
            }
        }
        catch (SimulatedCrashException)
        {
            // Here the process ends.
        }

        return [acknowledged, state];
    }

    /// <summary>A value is the number of its batch; 0 stands for none.</summary>
    private static async Task CommitAsync(LogEngine log, int[] state, int number, Random random)
    {
        using var batch = new LogBatch();
        int[] keys = [.. Enumerable.Range(0, Keys)];
        random.Shuffle(keys);
        byte[] value = new byte[20];
        foreach (int key in keys.AsSpan(0, Mutations))
        {
            bool isDelete = random.Next(10) == 0;
            state[key] = isDelete ? 0 : number;
            BitConverter.TryWriteBytes(value, number);
            if (isDelete) batch.Delete(Key(key));
            else batch.Put(Key(key), default, new ReadOnlySequence<byte>(value));
        }

        Assert.True((await log.CommitAsync(batch)).IsApplied);
    }

    private static async Task CheckAsync(SimulatedDisk disk, List<int[]> states, string context)
    {
        await using LogEngine log = Open(disk);
        int[] found = Read(log);
        Assert.True(states.Exists(s => s.AsSpan().SequenceEqual(found)), $"{context}: a batch is there in parts, or one that was acknowledged is not: of the last {Mutations} changes {found.Count(v => v == states[^1].Max())} are there");
    }

    private static int[] Read(LogEngine log)
    {
        int[] state = new int[Keys];
        for (int key = 0; key < Keys; key++)
        {
            if (!log.TryRead(Key(key), out LogEntry entry)) continue;
            using (entry) state[key] = BitConverter.ToInt32(entry.Value.Span);
        }

        return state;
    }

    private static byte[] Key(int key) => [(byte)LogKeyspace.System, .. BitConverter.GetBytes(key)];

    private static LogEngine Open(SimulatedDisk disk) =>
        LogEngine.Open(new LogOptions { Name = "test", SegmentBytes = 256 << 10, CompactionBytesPerSecond = null }, disk);
}
