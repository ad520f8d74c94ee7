namespace Strata;

/// <summary>What a tiering run came to; of a dry run, what it would have come to.</summary>
public sealed record TieringReport
{
    /// <summary>The most keys that <see cref="Left"/> counts.</summary>
    public const int MostCountedLeft = 10_000;

    /// <summary>Whether nothing was moved because the run was for show.</summary>
    public bool IsDryRun { get; init; }

    /// <summary>When it began.</summary>
    public DateTimeOffset Began { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Keys that were due and looked at, those of blobs that are gone among them.</summary>
    public long LookedAt { get; init; }

    /// <summary>Blobs taken to a faster tier.</summary>
    public long Promoted { get; init; }

    /// <summary>Blobs taken to a slower tier.</summary>
    public long Demoted { get; init; }

    /// <summary>Bytes copied from tier to tier.</summary>
    public long Bytes { get; init; }

    /// <summary>Blobs that their tier does not take (too long, or no room), or whose last change is in doubt; they come up again later.</summary>
    public long Refused { get; init; }

    /// <summary>Blobs that were written or deleted while they were moved; they are due when that says.</summary>
    public long Overtaken { get; init; }

    /// <summary>Blobs of which a tier failed; they come up again after a minute.</summary>
    public long Failed { get; init; }

    /// <summary>The first failure's message; null if there was none.</summary>
    public string? FirstError { get; init; }

    /// <summary>Keys that are due and were not looked at, counted up to <see cref="MostCountedLeft"/>.</summary>
    public int Left { get; init; }

    /// <summary>Why it ended.</summary>
    public TieringEnd End { get; init; }

    /// <summary>Of a dry run, the moves that it would make, the longest due first, up to <see cref="TieringRun.MaxListed"/>; else empty.</summary>
    public IReadOnlyList<PlannedMove> Planned { get; init; } = [];
}
