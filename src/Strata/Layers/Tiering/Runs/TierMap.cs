namespace Strata;

/// <summary>All tiers of a store by their places, fastest first: those above the origin, and the origin or, where that is several tiers itself, those.</summary>
internal sealed class TierMap
{
    private readonly Tier[] _tiers;
    private readonly string _store;

    public TierMap(IReadOnlyList<Tier> tiers, string store)
    {
        Lower = tiers[^1].Store.TryGetFacet(out ITierOrigin? lower) ? lower : null;
        UpperCount = tiers.Count - 1;
        _store = store;
        _tiers = [.. tiers.SkipLast(1), .. Lower?.Tiers ?? [tiers[^1]]];
        Names = [.. _tiers.Select(tier => tier.Name)];
        if (Names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice) throw new ArgumentException($"Store '{store}' has two tiers named '{twice.Key}'; names must differ.");
    }

    /// <summary>Their names.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>How many there are.</summary>
    public int Count => _tiers.Length;

    /// <summary>How many of them hold copies.</summary>
    public int UpperCount { get; }

    /// <summary>The origin, where it is several tiers.</summary>
    public ITierOrigin? Lower { get; }

    /// <summary>What decides who belongs in them.</summary>
    public IReadOnlyList<TierPlan> Plans => [.. _tiers.Select(tier => new TierPlan { Name = tier.Name, MaxBlobBytes = Longest(tier) })];

    /// <summary>The place of a tier.</summary>
    /// <exception cref="ArgumentException">There is no such tier.</exception>
    public int IndexOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        int index = Find(name);
        return index >= 0 ? index : throw new ArgumentException($"Store '{_store}' has no tier '{name}'; it has {string.Join(", ", Names)}.", nameof(name));
    }

    /// <summary>The place of a tier; -1 if there is no such.</summary>
    public int Find(string name) => Array.FindIndex(_tiers, tier => string.Equals(tier.Name, name, StringComparison.Ordinal));

    /// <summary>
    /// How full each tier is. One that evicts is never short of room here: what is used least leaves it by itself, and it is full at all times.
    /// </summary>
    public double[] Fill() => [.. _tiers.Select(FillOf)];

    private static double FillOf(Tier tier)
    {
        if (tier.Store.Capabilities.IsVolatile || !tier.Store.TryGetFacet(out IStoreStatistics? statistics)) return 0;
        StoreStatistics held = statistics.GetStatistics();
        return held.MaxBytes is > 0 and { } most ? (double)held.Bytes / most : 0;
    }

    private static long? Longest(Tier tier) => Math.Min(tier.MaxBlobBytes ?? long.MaxValue, tier.Store.Capabilities.MaxBlobLength) is var longest && longest < long.MaxValue ? longest : null;
}
