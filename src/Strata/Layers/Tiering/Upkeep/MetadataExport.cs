namespace Strata;

/// <summary>What an export of metadata holds.</summary>
public sealed record MetadataExport
{
    /// <summary>Blobs described.</summary>
    public long Blobs { get; init; }

    /// <summary>Their payload in bytes, which the file does not hold.</summary>
    public long Bytes { get; init; }

    /// <summary>Tiers that could not be listed to the end: the blobs' tiers are without them, and the file says so.</summary>
    public IReadOnlyList<string> UnlistedTiers { get; init; } = [];
}
