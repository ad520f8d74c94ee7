using System.Diagnostics;
using System.Globalization;

namespace Strata.Workload;

/// <summary>A memory cache of more than a million blobs under writers, and what the collector finds alive, against the budget and against what the store says.</summary>
internal static class MemoryBudgetCommand
{
    public const double Tolerance = 0.05;
    private const int LargestEntry = 1024;
    private const int Entries = 1_000_000, Keys = 2 * Entries;

    public static async Task<int> RunAsync(WorkloadSettings settings)
    {
        try
        {
            await WorkAsync(settings);
            return WriteCommand.Well;
        }
        catch (InvalidDataException e)
        {
            Console.WriteLine($"wrong: {e.Message}");
            return WriteCommand.Wrong;
        }
    }

    private static async Task WorkAsync(WorkloadSettings settings)
    {
        long before = ProcessMemory.Live(), calls = 0;
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true, MaxBytes = settings.Bytes });
        for (int i = 0; store.GetStatistics().Evictions < 1_000; i++) await store.PutBytesAsync(Key(i), new byte[80 + (i % 100)]);
        if (store.GetStatistics().Blobs < Entries) throw new InvalidDataException($"{store.GetStatistics().Blobs} entries are fewer than the test is about");

        long start = Stopwatch.GetTimestamp();
        Task all = Task.WhenAll(Enumerable.Range(0, settings.Writers).Select(i => Task.Factory.StartNew(() => WriteAsync(i), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap()));
        double most = 0, worst = 0;
        while (!all.IsCompleted)
        {
            await Task.WhenAny(all, Task.Delay(settings.Time / 100 + TimeSpan.FromSeconds(2)));
            long live = ProcessMemory.Live() - before, said = store.GetStatistics().Bytes;
            most = Math.Max(most, (double)live / settings.Bytes);
            worst = Math.Max(worst, Math.Abs(((double)live / said) - 1));

            // It is asked while writers are between making room and charging: each may be out by its entry at that moment.
            if (said > settings.Bytes + (settings.Writers * LargestEntry)) throw new InvalidDataException($"the store says that it holds {said} of {settings.Bytes} bytes");
            if (most > 1 + Tolerance) throw new InvalidDataException($"{live} bytes are alive, with a budget of {settings.Bytes}; the store says {said}, after {calls} calls");
        }

        await all;
        double end = ProcessMemory.Live() - before;
        StoreStatistics last = store.GetStatistics();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{calls} calls, {last.Evictions} evictions, {last.Expirations} expirations, {last.Blobs} blobs; alive {end / settings.Bytes:p2} of the budget (at most {most:p2} while writing), the store says {last.Bytes / (double)settings.Bytes:p2}; error at most {worst:p2}"));
        if (last.Blobs < Entries) throw new InvalidDataException($"{last.Blobs} entries are fewer than the test is about");
        if (Math.Abs((end / last.Bytes) - 1) > Tolerance) throw new InvalidDataException($"{end} bytes are alive, and the store says {last.Bytes}");
        if (end < settings.Bytes * (1 - Tolerance)) throw new InvalidDataException($"{end} bytes are alive of the {settings.Bytes} that it may use");

        async Task WriteAsync(int writer)
        {
            var random = new Random(HashCode.Combine(settings.Seed, writer));
            for (; Stopwatch.GetElapsedTime(start) < settings.Time; Interlocked.Increment(ref calls)) await StepAsync(store, random);
        }
    }

    /// <summary>Mostly new and overwritten values of about 130 B, seldom a large one.</summary>
    private static async ValueTask StepAsync(MemoryBlobStore store, Random random)
    {
        BlobKey key = Key((int)(Math.Pow(random.NextDouble(), 2) * Keys));
        int what = random.Next(1000);
        if (what < 150) store.TryRead(key, out _);
        else if (what < 230) await store.DeleteAsync(key);
        else if (what < 300) await store.PutBytesAsync(key, new byte[random.Next(200)], new WriteOptions { Expires = TimeProvider.System.GetUtcNow().AddSeconds(random.Next(120)) });
        else if (what < 330) await store.UpdateAsync(key, new BlobChanges { ContentType = "text/plain" });
        else if (what == 999) await store.PutBytesAsync(key, new byte[random.Next(64 << 10)]);
        else await store.PutBytesAsync(key, new byte[random.Next(60, 200)]);
    }

    /// <summary>Numbers as text, made on the way: the program holds no keys itself.</summary>
    private static BlobKey Key(int number) => BlobKey.Parse($"k/{number}");
}
