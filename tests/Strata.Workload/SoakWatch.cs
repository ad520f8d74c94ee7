using System.Globalization;

namespace Strata.Workload;

/// <summary>Looks at what a cache takes of the machine, and knows what it may take.</summary>
internal sealed class SoakWatch(DiskBlobStore store, WorkloadSettings settings)
{
    private readonly List<(TimeSpan Time, int Handles, long Memory)> _seen = [];
    private double _worstUsed;
    private double _worstFiles;
    private double _worstFolder;
    private long _worstIndex;
    private long _worstTombstones;

    public void Look(TimeSpan time)
    {
        LogStatistics log = store.GetLogStatistics();
        StoreStatistics held = store.GetStatistics();
        long folder = Directory.EnumerateFiles(settings.Folder, "*", SearchOption.AllDirectories).Sum(LengthOf);
        _seen.Add((time, ProcessMemory.Handles(), ProcessMemory.Anonymous()));
        double live = Math.Max(log.LiveBytes, 4L * settings.SegmentBytes);
        _worstUsed = Math.Max(_worstUsed, log.UsedBytes / live);
        _worstFiles = Math.Max(_worstFiles, log.FileBytes / live);
        _worstFolder = Math.Max(_worstFolder, (double)folder / settings.Bytes);
        _worstIndex = Math.Max(_worstIndex, log.IndexBytes);
        _worstTombstones = Math.Max(_worstTombstones, log.Tombstones);
        if (held.Bytes > settings.Bytes) throw new InvalidDataException($"the cache holds {held.Bytes} bytes, and may hold {settings.Bytes}");

        // What LogCompactor lets be: beside what is live twice as much garbage and four segments; with the segment under way
        // and the one that compaction writes. Then the files: not all of a file is used, and there are spares.
        long most = (3 * log.LiveBytes) + (6L * settings.SegmentBytes), mostFiles = (2 * most) + (12L * settings.SegmentBytes);
        if (log.UsedBytes > most) throw new InvalidDataException($"{log.UsedBytes} bytes of the log are used for {log.LiveBytes} that count, and {most} may be: {log}");
        if (log.FileBytes > mostFiles) throw new InvalidDataException($"the log's files have {log.FileBytes} bytes for {log.LiveBytes} that count, and may have {mostFiles}: {log}");
    }

    /// <summary>Compares the last quarter of the time with the second.</summary>
    public void Judge(SoakLoad load)
    {
        LogStatistics log = store.GetLogStatistics();
        ValueFileStatistics values = store.GetValueFileStatistics();
        StoreStatistics held = store.GetStatistics();
        (int handles, long memory) = In(0.25, 0.5);
        (int lastHandles, long lastMemory) = In(0.75, 1);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{load.WrittenBytes >> 20} MiB written, {load.Reads} reads, {100.0 * load.Hits / Math.Max(1, load.Reads):f0} % hits, {held.Blobs} blobs, {held.Evictions} evictions; {held.Bytes >> 20} of {settings.Bytes >> 20} MiB held; {log.Compactions} compactions moved {log.CompactedBytes >> 20} MiB; at worst {_worstUsed:f2} x what is live used and {_worstFiles:f2} x in files, folder {_worstFolder:f2} x the capacity; value files {values.AllocatedBytes >> 20} MiB for {values.Bytes >> 20}; index at most {_worstIndex >> 10} KiB, {_worstTombstones} tombstones; handles {handles} -> {lastHandles}, memory {memory >> 20} -> {lastMemory >> 20} MiB"));
        if (load.Wrong > 0) throw new InvalidDataException($"{load.Wrong} reads gave other bytes than were written");
        if (held.Evictions == 0) throw new InvalidDataException("nothing was evicted: the load was no test of that");
        if (lastHandles > handles + 40) throw new InvalidDataException($"open files grew from {handles} to {lastHandles}");
        if (lastMemory > memory + (64 << 20)) throw new InvalidDataException($"memory grew from {memory >> 20} to {lastMemory >> 20} MiB");
        if (log.UnlinkedSegments > 0) throw new InvalidDataException($"{log.UnlinkedSegments} segments are gone and still held, though nobody reads");
        if (log.ReadOnlyBecause is { } why) throw new InvalidDataException($"the log takes no writes: {why}");
        if (log.LastBackgroundError is { } failed) throw new InvalidDataException($"something failed in the background: {failed}");
    }

    /// <summary>The most handles in a part of the time, and the least memory: what is left when garbage has just been collected.</summary>
    private (int Handles, long Memory) In(double from, double to)
    {
        (TimeSpan Time, int Handles, long Memory)[] part = [.. _seen.Where(s => s.Time >= from * settings.Time && s.Time <= to * settings.Time)];
        return (part.Max(s => s.Handles), part.Min(s => s.Memory));
    }

    private static long LengthOf(string file)
    {
        try
        {
            return new FileInfo(file).Length;
        }
        catch (IOException)
        {
            // Gone meanwhile.
            return 0;
        }
    }
}
