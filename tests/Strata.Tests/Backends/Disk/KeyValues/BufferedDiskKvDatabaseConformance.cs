using Strata.Testing;

namespace Strata.Tests;

/// <summary>Nothing is flushed or mapped, files are many and are compacted at once, and whoever keeps a buffer that it gave back finds other bytes in it.</summary>
[ConformanceOf(typeof(DiskKvDatabase))]
public sealed class BufferedDiskKvDatabaseConformance : KvDatabaseConformance
{
    private readonly TempFolder _folder = new();

    protected override async ValueTask<IKvDatabase> OpenAsync(StoreContext context)
    {
        var options = new DiskKvDatabaseOptions { Path = _folder.Path, Durability = DiskDurability.OperatingSystem, MapReads = false, SegmentBytes = 256 << 10, CompactionBytesPerSecond = null };
        return await DiskKvDatabase.OpenAsync(options, context with { Buffers = new SpoilingPool() });
    }

    protected override int CountWatches(IKvDatabase database) => ((IKvStatistics)database).GetStatistics().Watches;

    protected override ValueTask CleanUpAsync()
    {
        _folder.Dispose();
        return default;
    }
}
