namespace Strata;

/// <summary>What a tier holds, and what it was asked for.</summary>
public sealed record TierLoad
{
    /// <summary>The tier's name.</summary>
    public required string Tier { get; init; }

    /// <summary>Bytes that it holds, copies of other tiers' blobs among them; the mean over the time where they changed.</summary>
    public double Bytes { get; init; }

    /// <summary>Requests that read, those of moves among them.</summary>
    public double Reads { get; init; }

    /// <summary>Requests that wrote, those of moves among them.</summary>
    public double Writes { get; init; }
}
