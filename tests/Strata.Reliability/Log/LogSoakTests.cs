using System.Diagnostics;
using Strata.Tests;

namespace Strata.Reliability;

/// <summary>A mixed load on a log whose content stays about the same size: neither files, handles nor memory may grow.</summary>
[Collection(nameof(Alone))]
public sealed class LogSoakTests(ITestOutputHelper output)
{
    private const int ValueBytes = 4_000;

    [Fact]
    public async Task Space_handles_and_memory_stay_within_their_bounds_under_a_mixed_load()
    {
        using var folder = new TemporaryFolder();
        TimeSpan time = LongForm.Of(TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(20));
        int keys = LongForm.Of(1 << 30, 64 << 20) / ValueBytes, segment = LongForm.Of(LogOptions.MaxSegmentBytes, 4 << 20);
        await using LogEngine log = LogEngine.Open(new LogOptions { Name = "soak", SegmentBytes = segment, Durability = DiskDurability.OperatingSystem, CompactionBytesPerSecond = null }, new SystemDisk(folder.Path));
        long written = 0, worst = 0;
        await LoadAsync(log, keys, time / 4, () => Interlocked.Add(ref written, ValueBytes));
        (int handles, long memory) before = (HandlesIn(folder.Path), Memory());
        using var stop = new CancellationTokenSource();
        Task load = LoadAsync(log, keys, time * 3 / 4, () => Interlocked.Add(ref written, ValueBytes));
        while (!load.IsCompleted)
        {
            LogStatistics now = log.GetStatistics();

            // The bound of LogCompactor, with the segment under way and the spares.
            long most = (4 * now.LiveBytes) + (16L * segment);
            worst = Math.Max(worst, now.FileBytes * 100 / Math.Max(1, now.LiveBytes));
            Assert.True(now.FileBytes <= most, $"{now.FileBytes} bytes of files for {now.LiveBytes} live ones: more than {most}");
            await Task.WhenAny(load, Task.Delay(100));
        }

        await load;
        await stop.CancelAsync();
        LogStatistics end = log.GetStatistics();
        (int handles, long memory) after = (HandlesIn(folder.Path), Memory());
        output.WriteLine($"{written >> 20} MiB written, {end.CompactedBytes >> 20} MiB moved by {end.Compactions} compactions; {end.LiveBytes >> 20} MiB live in {end.FileBytes >> 20} MiB, at worst {worst / 100.0:f2} x; handles {before.handles} -> {after.handles}, memory {before.memory >> 20} -> {after.memory >> 20} MiB");
        Assert.True(after.handles <= before.handles + 40, $"open handles grew from {before.handles} to {after.handles}");
        Assert.True(after.memory <= before.memory + (64 << 20), $"memory grew from {before.memory} to {after.memory} bytes");
        Assert.Equal(0, end.UnlinkedSegments);
    }

    private static Task LoadAsync(LogEngine log, int keys, TimeSpan time, Action wrote) => Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(async () =>
    {
        var random = new Random(thread);
        byte[] value = new byte[ValueBytes];
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            byte[] key = [(byte)LogKeyspace.System, .. BitConverter.GetBytes(random.Next(keys))];
            int what = random.Next(10);
            if (what < 3)
            {
                if (log.TryRead(key, out LogEntry entry)) entry.Dispose();
                continue;
            }

            using var batch = new LogBatch();
            if (what == 3) batch.Delete(key);
            else batch.Put(key, value);
            await log.CommitAsync(batch);
            wrote();
        }
    })));

    /// <summary>Other tests of this process open files too.</summary>
    private static int HandlesIn(string folder) => Directory.GetFiles("/proc/self/fd").Count(f => new FileInfo(f).LinkTarget?.StartsWith(folder, StringComparison.Ordinal) == true);

    private static long Memory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
