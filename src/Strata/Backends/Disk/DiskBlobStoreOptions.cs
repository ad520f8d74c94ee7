namespace Strata;

/// <summary>Settings of a <see cref="DiskBlobStore"/>.</summary>
public sealed record DiskBlobStoreOptions
{
    /// <summary>The folder; created if it is missing. It has one owner at a time.</summary>
    public required string Path { get; init; }

    /// <summary>The store's name in messages and results. Default <c>disk</c>.</summary>
    public string Name { get; init; } = "disk";

    /// <summary>Capacity in bytes, 64 KiB or more: files with their metadata, those of uploads under way too. Null (default): only the disk bounds it.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>
    /// What happens when <see cref="MaxBytes"/> is reached. False (default): writes are refused with kind Full. True: the
    /// store is a cache that drops what was not read lately, and takes no uploads in parts.
    /// </summary>
    public bool Evicts { get; init; }

    /// <summary>When a write is acknowledged. Default <see cref="DiskDurability.Flush"/>.</summary>
    public DiskDurability Durability { get; init; }

    /// <summary>An upload in parts that nobody touched for this long is removed: more than 0. Default 7 days.</summary>
    public TimeSpan UploadExpiry { get; init; } = TimeSpan.FromDays(7);
}
