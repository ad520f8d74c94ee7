namespace Strata;

/// <summary>A blob on its way from one tier to another.</summary>
public sealed record TierMove
{
    /// <summary>The blob.</summary>
    public required BlobKey Key { get; init; }

    /// <summary>Where it is.</summary>
    public required string From { get; init; }

    /// <summary>Where it goes.</summary>
    public required string To { get; init; }

    /// <summary>Its length, in bytes.</summary>
    public required long Length { get; init; }

    /// <summary>How far it is.</summary>
    public required MoveState State { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset Began { get; init; }
}
