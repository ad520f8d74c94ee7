using System.Diagnostics;
using System.Globalization;

namespace Strata.Workload;

/// <summary>One value of any length into a disk store and out again, every byte compared, and the memory that it took.</summary>
internal static class LargeCommand
{
    public static async Task<int> RunAsync(WorkloadSettings settings)
    {
        BlobKey key = BlobKey.Parse("large");
        long start = Stopwatch.GetTimestamp();
        TimeSpan written;
        await using (DiskBlobStore store = await DiskBlobStore.OpenAsync(settings.Store))
        {
            WriteResult result = await store.WriteAsync(key, BlobContent.FromStream(new PatternStream(settings.Bytes)));
            written = Stopwatch.GetElapsedTime(start);
            if (result.Info!.Length != settings.Bytes) throw new InvalidDataException($"{result.Info.Length} bytes were written");
        }

        start = Stopwatch.GetTimestamp();
        await using (DiskBlobStore store = await DiskBlobStore.OpenAsync(settings.Store))
        {
            await using BlobReadResult read = await store.ReadAsync(key) ?? throw new InvalidDataException("what was written is not there");
            await using Stream stream = read.OpenStream();
            await CompareAsync(stream, settings.Bytes);
        }

        double seconds = written.TotalSeconds, secondsBack = Stopwatch.GetElapsedTime(start).TotalSeconds, mib = settings.Bytes >> 20;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{mib} MiB in with {mib / seconds:f0} MiB/s, out with {mib / secondsBack:f0} MiB/s; heap {GC.GetGCMemoryInfo().HeapSizeBytes >> 10} KiB of {GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 20} MiB, {GC.GetTotalAllocatedBytes() >> 10} KiB allocated in all, resident without files {ProcessMemory.Anonymous() >> 20} MiB"));
        return WriteCommand.Well;
    }

    /// <exception cref="InvalidDataException">Other bytes than those of a <see cref="PatternStream"/> of that length.</exception>
    public static async Task CompareAsync(Stream stream, long length)
    {
        await using var expected = new PatternStream(length);
        byte[] bytes = new byte[256 << 10], wanted = new byte[bytes.Length];
        long at = 0;
        while (await stream.ReadAsync(bytes) is > 0 and int read)
        {
            await expected.ReadExactlyAsync(wanted.AsMemory(0, read));
            if (!bytes.AsSpan(0, read).SequenceEqual(wanted.AsSpan(0, read))) throw new InvalidDataException($"other bytes than were written, at {at} or soon behind");
            at += read;
        }

        if (at != length) throw new InvalidDataException($"{at} bytes of {length} are there");
    }
}
