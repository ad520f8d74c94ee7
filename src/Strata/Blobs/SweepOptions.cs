namespace Strata;

/// <summary>What a sweep is to look at.</summary>
public sealed record SweepOptions
{
    /// <summary>
    /// True: only what a listing gives away as a tombstone, and uploads. That is a request for 1,000 objects where a listing tells
    /// no expiry, as in S3. False (default): all, there at a request an object.
    /// </summary>
    public bool OnlyTombstones { get; init; }

    /// <summary>How old an unfinished upload, or what no blob names, must be to be taken for abandoned: 1 hour or more. Default a day.</summary>
    public TimeSpan AbandonedAfter { get; init; } = TimeSpan.FromDays(1);

    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    internal void Check()
    {
        if (AbandonedAfter < TimeSpan.FromHours(1)) throw new ArgumentException($"AbandonedAfter must be 1 hour or more; it is {AbandonedAfter}.");
    }
}
