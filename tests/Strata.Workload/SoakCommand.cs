using System.Diagnostics;

namespace Strata.Workload;

/// <summary>
/// A disk store as a cache under a mixed load: blobs of all sizes come, many of them under keys that were never there
/// before, are read, changed and deleted, and more come than it may hold.
/// </summary>
internal static class SoakCommand
{
    private const int Threads = 4;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);

    public static async Task<int> RunAsync(WorkloadSettings settings)
    {
        await using DiskBlobStore store = await DiskBlobStore.OpenAsync(settings.Store with { MaxBytes = settings.Bytes, Evicts = true });
        var load = new SoakLoad(store, settings.Bytes);
        var watch = new SoakWatch(store, settings);
        long start = Stopwatch.GetTimestamp();
        using var stop = new CancellationTokenSource();
        Task all = Task.WhenAll(Enumerable.Range(0, Threads).Select(t => Task.Run(() => load.RunAsync(settings.Seed + t, stop.Token))));
        try
        {
            while (!all.IsCompleted)
            {
                TimeSpan time = Stopwatch.GetElapsedTime(start);
                watch.Look(time);
                if (time >= settings.Time) await stop.CancelAsync();
                await Task.WhenAny(all, Task.Delay(LookEvery));
            }

            await all;
            watch.Judge(load);
            return WriteCommand.Well;
        }
        catch (Exception e) when (e is InvalidDataException or StorageException)
        {
            Console.WriteLine($"wrong: {e}");
            return WriteCommand.Wrong;
        }
    }
}
