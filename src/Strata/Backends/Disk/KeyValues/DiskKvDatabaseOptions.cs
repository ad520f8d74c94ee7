namespace Strata;

/// <summary>Settings of a <see cref="DiskKvDatabase"/>.</summary>
public sealed record DiskKvDatabaseOptions
{
    /// <summary>The folder; created if it is missing. It has one owner at a time, and holds nothing but this database.</summary>
    public required string Path { get; init; }

    /// <summary>The database's name in messages and results. Default <c>kv</c>.</summary>
    public string Name { get; init; } = "kv";

    /// <summary>When a commit is acknowledged. Default <see cref="DiskDurability.Flush"/>.</summary>
    public DiskDurability Durability { get; init; }

    /// <summary>With <see cref="DiskDurability.Interval"/>: at most this long after a commit it is on the medium. More than 0; default 1 s.</summary>
    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Memory that the index of keys may take, bytes, 1 MiB or more: at most a key's own bytes and 32 more each, for keys of 16
    /// to 100 bytes, and 8 more than that once again for one that expires. A write of a new key beyond it is refused with kind
    /// Full. Null (default): a quarter of the memory that the process may use.
    /// </summary>
    public long? MaxIndexBytes { get; init; }

    /// <summary>
    /// Read through a mapping of the files. Default true. A medium that fails under a mapping ends the process; with false
    /// the same is an error of the read.
    /// </summary>
    public bool MapReads { get; init; } = true;

    /// <summary>What compaction may move in the background, bytes a second; 1 MiB or more. Null: as fast as the disk allows. Default 64 MiB.</summary>
    public long? CompactionBytesPerSecond { get; init; } = 64 << 20;

    /// <summary>
    /// What it takes in one call. Default <see cref="KvLimits.Embedded"/>. It can be told to take less, and a little more: keys of
    /// 2,072 bytes, and writes of 96 MiB together with 96 bytes for each mutation.
    /// </summary>
    public KvLimits Limits { get; init; } = KvLimits.Embedded;

    /// <summary>Capacity that the files of the log grow to; for tests, which want many.</summary>
    internal int SegmentBytes { get; init; } = LogOptions.MaxSegmentBytes;

    /// <summary>What to keep files on; for tests, whose disks fail. Null: the folder.</summary>
    internal ILogDisk? Disk { get; init; }
}
