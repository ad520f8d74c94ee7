namespace Strata;

/// <summary>What a scrub saw and did.</summary>
public sealed record ScrubReport
{
    /// <summary>The most <see cref="Findings"/> that are kept.</summary>
    public const int MaxFindings = 100;

    /// <summary>Keys looked at.</summary>
    public long Keys { get; init; }

    /// <summary>Copies above the origin that were compared with it.</summary>
    public long Copies { get; init; }

    /// <summary>Payload bytes read.</summary>
    public long Bytes { get; init; }

    /// <summary>Copies of another write than the origin's.</summary>
    public long Stale { get; init; }

    /// <summary>Copies of blobs that the origin does not hold.</summary>
    public long Orphans { get; init; }

    /// <summary>Copies that were damaged.</summary>
    public long DamagedCopies { get; init; }

    /// <summary>Blobs that were damaged at the origin.</summary>
    public long DamagedOrigin { get; init; }

    /// <summary>Failures of tiers above the origin: copies that were not looked at.</summary>
    public long Unreadable { get; init; }

    /// <summary>Wrong copies dropped, those that were made again included.</summary>
    public long Dropped { get; init; }

    /// <summary>Copies made again.</summary>
    public long Remade { get; init; }

    /// <summary>Blobs of the origin written again.</summary>
    public long Repaired { get; init; }

    /// <summary>Keys passed over, because a change of unknown outcome is pending.</summary>
    public long InDoubt { get; init; }

    /// <summary>The first faults, at most <see cref="MaxFindings"/>.</summary>
    public IReadOnlyList<ScrubFinding> Findings { get; init; } = [];

    /// <summary>Where to go on (<see cref="ScrubOptions.After"/>); null if all was looked at.</summary>
    public string? After { get; init; }

    /// <summary>True if nothing was found wrong.</summary>
    public bool IsClean => Stale + Orphans + DamagedCopies + DamagedOrigin + Unreadable == 0;
}
