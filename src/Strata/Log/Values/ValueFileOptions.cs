namespace Strata;

/// <summary>Settings of <see cref="ValueFiles"/>.</summary>
internal sealed record ValueFileOptions
{
    /// <summary>The store's name in messages.</summary>
    public required string Name { get; init; }

    /// <summary>When a value is on the medium: before its writer has finished, at the next <see cref="ValueFiles.Sync"/>, or when the system likes and at the last of those.</summary>
    public DiskDurability Durability { get; init; }

    /// <summary>Files that are kept to be recycled, at most. Default 4.</summary>
    public int MaxSpares { get; init; } = 4;

    /// <summary>Their bytes, at most; never more than an eighth of what is in use either, beyond 8 MiB. Default 64 MiB.</summary>
    public long MaxSpareBytes { get; init; } = 64 << 20;

    /// <summary>Files that are kept open though nobody uses them. Default 64.</summary>
    public int MaxIdleHandles { get; init; } = 64;
}
