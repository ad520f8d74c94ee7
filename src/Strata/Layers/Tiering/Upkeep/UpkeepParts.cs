namespace Strata;

/// <summary>What upkeep needs of a tiered store: its tiers, and the rules that their copies obey.</summary>
internal sealed record UpkeepParts
{
    public required string Store { get; init; }

    public required IReadOnlyList<UpperTier> Upper { get; init; }

    public required TierCounters Origin { get; init; }

    public required Fences Fences { get; init; }

    public required Trust Trust { get; init; }

    public required Doubts Doubts { get; init; }

    public required TierEvents Events { get; init; }

    public required TimeProvider Clock { get; init; }

    /// <summary>How much a blob is used; null where nothing counts that.</summary>
    public Func<BlobKey, double>? ScoreOf { get; init; }

    /// <summary>The tier that a blob is pinned to, or null.</summary>
    public Func<BlobKey, string?>? PinOf { get; init; }

    /// <summary>Serves a memory tier's copies no more without a look at whether they are trusted.</summary>
    public required Action<UpperTier> StopSharing { get; init; }

    /// <summary>Runs a write at the origin under the key's fence; an unknown outcome leaves the key in doubt.</summary>
    public required Func<Fences.Fence, Func<ValueTask<WriteResult>>, ValueTask<WriteResult>> AtOrigin { get; init; }

    /// <summary>True if the tier's copies are served without a question, so that one that stays must be fenced.</summary>
    public bool IsServedUnasked(UpperTier tier) => tier.Shared is not null && !Trust.Lapses;

    /// <summary>The names of all tiers, fastest first.</summary>
    public string Names => string.Join(", ", Upper.Select(t => t.Name).Append(Origin.Name));

    /// <summary>The tier above the origin that has this name.</summary>
    /// <exception cref="ArgumentException">There is none; the message says why not.</exception>
    public UpperTier FindUpper(string tier, string otherwise)
    {
        ArgumentNullException.ThrowIfNull(tier);
        if (Upper.FirstOrDefault(t => t.Name == tier) is { } found) return found;
        throw IsOfOrigin(tier)
            ? new ArgumentException($"'{tier}' {(tier == Origin.Name ? "is the origin" : "is part of the origin")} of store '{Store}': it holds the blobs themselves. {otherwise}", nameof(tier))
            : new ArgumentException($"Store '{Store}' has no tier '{tier}'; it has {Names}.", nameof(tier));
    }

    /// <summary>Whether this is the origin's name, or that of one of its own tiers.</summary>
    public bool IsOfOrigin(string tier) => tier == Origin.Name || (Origin.Store is ITierOrigin tiers && tiers.Tiers.Any(t => t.Name == tier));
}
