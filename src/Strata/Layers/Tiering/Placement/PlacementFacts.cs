namespace Strata;

/// <summary>What is known of a blob when its tier is chosen.</summary>
public readonly record struct PlacementFacts
{
    /// <summary>Its name.</summary>
    public required BlobKey Key { get; init; }

    /// <summary>Length of its payload in bytes.</summary>
    public required long Length { get; init; }

    /// <summary>When it was last written.</summary>
    public required DateTimeOffset Modified { get; init; }

    /// <summary>The time of the question.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>How it was used (<see cref="AccessTracker.UseOf"/>); default for never.</summary>
    public KeyUse Use { get; init; }

    /// <summary>The tier that a person has pinned it to; null for none.</summary>
    public string? Pin { get; init; }

    /// <summary>How full each tier is, fastest first: the share of its capacity that is taken. Null, or a shorter list: no tier, or none further down, is short of room.</summary>
    public IReadOnlyList<double>? Fill { get; init; }

    /// <summary>When it was last read or written.</summary>
    public DateTimeOffset LastUse => Use.LastAccess is { } access && access > Modified ? access : Modified;

    /// <summary>Time since it was last read or written; 0 where the clock was set back since.</summary>
    public TimeSpan Age => LastUse < Now ? Now - LastUse : TimeSpan.Zero;

    internal DateTimeOffset KnownSince => Use.FirstSeen is { } seen && seen < Modified ? seen : Modified;
}
