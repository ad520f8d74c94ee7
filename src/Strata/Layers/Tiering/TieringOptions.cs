namespace Strata;

/// <summary>Settings of a <see cref="TieredBlobStore"/>.</summary>
public sealed record TieringOptions
{
    /// <summary>The store's name in messages and statistics. Default <c>tiered</c>.</summary>
    public string Name { get; init; } = "tiered";

    /// <summary>Whether a read copies the blob into the faster tiers that take it. Default true.</summary>
    public bool PromoteOnRead { get; init; } = true;

    /// <summary>Whether a write leaves copies in the faster tiers that take it. Default true.</summary>
    public bool FillOnWrite { get; init; } = true;

    /// <summary>
    /// Blobs up to this many bytes are loaded into memory once for all readers that ask at the same time; longer ones are
    /// streamed to each. 0 to 64 MiB; default 1 MiB.
    /// </summary>
    public int MaxSharedLoadBytes { get; init; } = 1 << 20;
}
