namespace Strata;

/// <summary>Settings of a <see cref="LogEngine"/>.</summary>
internal sealed record LogOptions
{
    /// <summary>Smallest and largest capacity of a segment.</summary>
    public const int MinSegmentBytes = 64 << 10, MaxSegmentBytes = 64 << 20;

    /// <summary>Bytes of the largest batch. One that fits into no segment of the largest capacity gets a segment of its own, of its size.</summary>
    public const int MaxBatchBytes = 96 << 20;

    /// <summary>The store's name in messages.</summary>
    public required string Name { get; init; }

    /// <summary>When a commit is acknowledged.</summary>
    public DiskDurability Durability { get; init; }

    /// <summary>With <see cref="DiskDurability.Interval"/>: at most this long after a commit it is on the medium. Default 1 s.</summary>
    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Capacity that segments grow to, 64 KiB to 64 MiB; a young log has smaller ones, from 1 MiB on.</summary>
    public int SegmentBytes { get; init; } = MaxSegmentBytes;

    /// <summary>The index's memory: a new key beyond it is refused as Full. Default: a quarter of what the process may use.</summary>
    public long MaxIndexBytes { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;

    /// <summary>Read through a mapping of the segments. False: by pread, which reports a failing medium where a mapping ends the process.</summary>
    public bool MapReads { get; init; } = true;

    /// <summary>A sealed segment is compacted when more than this share of it is garbage: 0.1 to 0.9. Default one half, which bounds the log at about twice what it holds.</summary>
    public double GarbageShare { get; init; } = 0.5;

    /// <summary>What background compaction reads and writes a second at most, bytes. Null: as fast as the disk allows.</summary>
    public long? CompactionBytesPerSecond { get; init; } = 64 << 20;

    /// <summary>What counts as now for tombstones that are needed until a time, Unix milliseconds. Null: the wall clock.</summary>
    public Func<long>? Now { get; init; }

    /// <summary>Told at the opening of every key, in the order of the keys; of tombstones too.</summary>
    public LogRecovered? Recovered { get; init; }
}
