namespace Strata;

/// <summary>Where a blob is, where it belongs, and why.</summary>
public sealed record TierExplanation
{
    /// <summary>The blob.</summary>
    public required BlobKey Key { get; init; }

    /// <summary>Its length, in bytes.</summary>
    public required long Length { get; init; }

    /// <summary>When it was last written.</summary>
    public required DateTimeOffset Modified { get; init; }

    /// <summary>The tiers that hold its current write, fastest first.</summary>
    public required IReadOnlyList<string> Tiers { get; init; }

    /// <summary>The tier that it is in: the first of them.</summary>
    public string Tier => Tiers[0];

    /// <summary>The tier that it belongs in, and until when.</summary>
    public required Classification Belongs { get; init; }

    /// <summary>Whether it is where it belongs.</summary>
    public bool IsAtHome => string.Equals(Tier, Belongs.Tier, StringComparison.Ordinal);

    /// <summary>Why it belongs there, in words for a person, and what would change that and when.</summary>
    public required string Why { get; init; }

    /// <summary>What will take it from where it is to where it belongs, in words for a person; null if it is there.</summary>
    public string? Moves { get; init; }

    /// <summary>How it was used.</summary>
    public required KeyUse Use { get; init; }

    /// <summary>The tier that it is pinned to; null if it is not.</summary>
    public string? Pin { get; init; }

    /// <summary>The rule that applies to it; null if there is none.</summary>
    public PlacementRule? Rule { get; init; }

    /// <summary>True while a change of it is of unknown outcome: then no tier above the origin serves it, and it is not moved.</summary>
    public bool IsInDoubt { get; init; }
}
