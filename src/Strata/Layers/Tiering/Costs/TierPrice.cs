namespace Strata;

/// <summary>What a tier costs, in any currency.</summary>
public sealed record TierPrice
{
    /// <summary>The tier's name.</summary>
    public required string Tier { get; init; }

    /// <summary>A GiB (1,073,741,824 bytes) kept for a month. Default 0.</summary>
    public decimal PerGibMonth { get; init; }

    /// <summary>A thousand requests that read. Default 0.</summary>
    public decimal PerThousandReads { get; init; }

    /// <summary>A thousand requests that write. Default 0.</summary>
    public decimal PerThousandWrites { get; init; }
}
