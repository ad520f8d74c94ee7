namespace Strata;

/// <summary>The time to live of blobs whose keys begin alike, where a write gives no expiry.</summary>
public sealed record TimeToLiveRule
{
    /// <summary>What the keys begin with, in ordinal comparison; empty: every key.</summary>
    public required string Prefix { get; init; }

    /// <summary>The time to live, from the beginning of the write: more than 0, up to 36,500 days; null (the default): for ever.</summary>
    public TimeSpan? TimeToLive { get; init; }
}
