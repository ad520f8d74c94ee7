namespace Strata;

/// <summary>How to read.</summary>
public sealed record SnapshotReadOptions
{
    /// <summary>Which state may be read. Default <see cref="KvConsistency.Strong"/>.</summary>
    public KvConsistency Consistency { get; init; }
}
