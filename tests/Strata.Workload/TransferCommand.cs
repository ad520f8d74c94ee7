using System.Diagnostics;
using System.Globalization;
using Strata.Azure;
using Strata.S3;

namespace Strata.Workload;

/// <summary>One value of any length into a store that an address names and out again, every byte compared, and the memory that it took.</summary>
internal static class TransferCommand
{
    public static async Task<int> RunAsync(WorkloadSettings settings)
    {
        var registry = new StoreUrlRegistry();
        registry.RegisterS3();
        registry.RegisterAzure();
        BlobKey key = BlobKey.Parse("large");
        await using IBlobStore store = await registry.OpenAsync(settings.Url);
        long start = Stopwatch.GetTimestamp();
        WriteResult result = await store.WriteAsync(key, BlobContent.FromStream(new PatternStream(settings.Bytes), settings.TellsLength ? settings.Bytes : null));
        TimeSpan written = Stopwatch.GetElapsedTime(start);
        if (result.Info?.Length != settings.Bytes) throw new InvalidDataException($"{result.Info?.Length} bytes were written");
        start = Stopwatch.GetTimestamp();
        await using (BlobReadResult read = await store.ReadAsync(key) ?? throw new InvalidDataException("what was written is not there"))
        {
            await using Stream stream = read.OpenStream();
            await LargeCommand.CompareAsync(stream, settings.Bytes);
        }

        double mib = settings.Bytes / (double)(1 << 20);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{mib:f0} MiB up with {mib / written.TotalSeconds:f0} MiB/s, down with {mib / Stopwatch.GetElapsedTime(start).TotalSeconds:f0} MiB/s; peak resident {ProcessMemory.Peak()} bytes, {GC.GetTotalAllocatedBytes() >> 10} KiB allocated in all, {GC.CollectionCount(GC.MaxGeneration)} full collections"));
        return WriteCommand.Well;
    }
}
