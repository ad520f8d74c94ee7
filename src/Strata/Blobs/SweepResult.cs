namespace Strata;

/// <summary>What a sweep has done so far.</summary>
public sealed record SweepResult
{
    /// <summary>Objects that were listed.</summary>
    public long Listed { get; init; }

    /// <summary>Expired blobs that were removed, or, where the server cannot remove under a condition, replaced by a tombstone.</summary>
    public long Expired { get; init; }

    /// <summary>Tombstones that were removed.</summary>
    public long Tombstones { get; init; }

    /// <summary>Records beside blobs that were removed, as no blob names them.</summary>
    public long Appendices { get; init; }

    /// <summary>Abandoned uploads that were removed.</summary>
    public long Uploads { get; init; }

    /// <summary>Payload bytes of the expired blobs and tombstones that were removed.</summary>
    public long Bytes { get; init; }

    /// <summary>Tombstones that are due and stay, as the server honours no condition on deletes: a newer write could go with them.</summary>
    public long Kept { get; init; }

    /// <summary>What could not be removed; each is logged, and the next sweep tries again.</summary>
    public long Failed { get; init; }
}
