namespace Strata;

/// <summary>Settings of a <see cref="DiskBlobStore"/>.</summary>
public sealed record DiskBlobStoreOptions
{
    /// <summary>The folder; created if it is missing. It has one owner at a time.</summary>
    public required string Path { get; init; }

    /// <summary>The store's name in messages and results. Default <c>disk</c>.</summary>
    public string Name { get; init; } = "disk";

    /// <summary>
    /// Capacity in bytes, 64 KiB or more: entries and value files of blobs and of uploads under way, keys and metadata
    /// included. Null (default): only the disk bounds it.
    /// </summary>
    /// <remarks>
    /// What was replaced or deleted does not count, though its room on the disk comes back only when compaction has been
    /// there: the folder takes up to about twice as much.
    /// </remarks>
    public long? MaxBytes { get; init; }

    /// <summary>
    /// What happens when <see cref="MaxBytes"/> is reached. False (default): writes are refused with kind Full, but for
    /// those that make a blob smaller. True: the store is a cache that drops what was not read lately, and takes no
    /// uploads in parts.
    /// </summary>
    public bool Evicts { get; init; }

    /// <summary>When a write is acknowledged. Default <see cref="DiskDurability.Flush"/>.</summary>
    public DiskDurability Durability { get; init; }

    /// <summary>With <see cref="DiskDurability.Interval"/>: at most this long after a write it is on the medium. More than 0; default 1 s.</summary>
    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Memory that the index of keys may take, bytes, 1 MiB or more: at most a key's own bytes and 32 more each. A write of
    /// a new key beyond it is refused with kind Full. Null (default): a quarter of the memory that the process may use.
    /// </summary>
    public long? MaxIndexBytes { get; init; }

    /// <summary>
    /// Read through a mapping of the files. Default true. A medium that fails under a mapping ends the process; with false
    /// the same is an error of the read, and every read copies.
    /// </summary>
    public bool MapReads { get; init; } = true;

    /// <summary>What compaction may move in the background, bytes a second; 1 MiB or more. Null: as fast as the disk allows. Default 64 MiB.</summary>
    public long? CompactionBytesPerSecond { get; init; } = 64 << 20;

    /// <summary>An upload in parts that nobody touched for this long is removed: more than 0. Default 7 days.</summary>
    public TimeSpan UploadExpiry { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Capacity that the files of the log grow to; for tests, which want many.</summary>
    internal int SegmentBytes { get; init; } = LogOptions.MaxSegmentBytes;

    /// <summary>What to keep files on; for tests, whose disks fail. Null: the folder.</summary>
    internal ILogDisk? Disk { get; init; }
}
