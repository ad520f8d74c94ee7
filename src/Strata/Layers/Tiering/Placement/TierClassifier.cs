namespace Strata;

/// <summary>
/// Says in which tier a blob belongs, why, and until when: a pure function of what is known of it.
/// </summary>
/// <remarks>
/// In this order: a pin; the first rule that names a tier; the age; the hottest tier for what is used often, one tier lower for what
/// is predicted to be cold; the bounds of the rule; the length that a tier takes. So more accesses never make a blob colder, and
/// time alone never makes it hotter. Safe for any number of callers at once; a classification allocates nothing.
/// </remarks>
public sealed class TierClassifier
{
    private readonly TieringPolicy _policy;
    private readonly TierPlan[] _tiers;
    private readonly TimeSpan[] _keepFor;
    private readonly (PlacementRule Rule, int? Tier, int Hottest, int Coldest)[] _rules;

    /// <summary>A classifier for some tiers.</summary>
    /// <param name="policy">The settings.</param>
    /// <param name="tiers">Fastest first; one or more.</param>
    /// <exception cref="ArgumentException">A setting is out of its range, or names a tier that there is not; the message says which.</exception>
    public TierClassifier(TieringPolicy policy, IReadOnlyList<TierPlan> tiers)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(tiers);
        policy.Check();
        if (tiers.Count == 0) throw new ArgumentException("There must be a tier.", nameof(tiers));
        if (tiers.GroupBy(t => t.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice) throw new ArgumentException($"Two tiers are named '{twice.Key}'.", nameof(tiers));
        _policy = policy;
        _tiers = [.. tiers];
        _keepFor = [.. tiers.Select((tier, i) => i == tiers.Count - 1 ? TimeSpan.MaxValue : tier.KeepFor ?? DefaultFor(i))];
        for (int i = 0; i < _keepFor.Length; i++)
        {
            if (_keepFor[i] < (i == 0 ? TimeSpan.Zero : _keepFor[i - 1])) throw new ArgumentException($"Tier '{_tiers[i].Name}' keeps blobs for {_keepFor[i]}, less than the tier before it.", nameof(tiers));
        }

        _rules = [.. policy.Rules.Select(Resolve)];
    }

    /// <summary>The tiers, fastest first.</summary>
    public IReadOnlyList<TierPlan> Tiers => _tiers;

    /// <summary>The settings.</summary>
    public TieringPolicy Policy => _policy;

    /// <summary>The place of a tier; 0 is the fastest.</summary>
    /// <exception cref="ArgumentException">There is no tier of this name.</exception>
    public int IndexOf(string tier)
    {
        int index = Array.FindIndex(_tiers, t => string.Equals(t.Name, tier, StringComparison.Ordinal));
        return index >= 0 ? index : throw new ArgumentException($"There is no tier '{tier}'; there are {string.Join(", ", _tiers.Select(t => t.Name))}.", nameof(tier));
    }

    /// <summary>Whether a tier is faster than another.</summary>
    /// <exception cref="ArgumentException">There is no tier of that name.</exception>
    public bool IsHotter(string tier, string than) => IndexOf(tier) < IndexOf(than);

    /// <summary>Whether a tier is slower than another.</summary>
    /// <exception cref="ArgumentException">There is no tier of that name.</exception>
    public bool IsColder(string tier, string than) => IndexOf(tier) > IndexOf(than);

    /// <summary>The tier that a blob belongs in.</summary>
    /// <exception cref="ArgumentException">It is pinned to a tier that there is not.</exception>
    public Classification Classify(in PlacementFacts facts)
    {
        (int index, PlacementCause cause) = TierAt(facts);
        (DateTimeOffset due, int dueIndex) = NextChange(facts, index);
        return new Classification(index, _tiers[index].Name, cause, dueIndex == index ? null : due, dueIndex);
    }

    /// <summary>
    /// The first moment at which a blob can belong in another tier than the hottest, however it is named, if it is not used after
    /// <paramref name="lastUse"/>: when to look at it again if nothing else is known.
    /// </summary>
    public DateTimeOffset? EarliestDue(DateTimeOffset lastUse) => _tiers.Length == 1 ? null : After(lastUse, _keepFor[0]);

    /// <summary>The classification in words: the tier, why, what else is known, and when it changes; times are UTC.</summary>
    /// <returns>Such as <c>warm: last used 3 h ago, and hot holds for 1 h; 2 accesses within 1 h, 5 would make it hot; due to go to cold at 2026-01-02 09:00:00Z</c>.</returns>
    public string Explain(in PlacementFacts facts) => PlacementWords.Explain(this, facts, Classify(facts));

    internal TimeSpan KeepFor(int tier) => _keepFor[tier];

    /// <summary>The fastest tier that the key's rule allows it; 0 without one.</summary>
    internal int HottestFor(BlobKey key) => FindRule(key) is { } found ? found.Tier ?? found.Hottest : 0;

    internal PlacementRule? RuleFor(BlobKey key) => FindRule(key) is { } found ? found.Rule : null;

    /// <summary>The accesses within the window that still count at the time of the question.</summary>
    internal int AccessesOf(in PlacementFacts facts) => AccessScale.CountAt(facts.Use.Accesses, facts.Use.LastAccess, _policy.AccessWindow, facts.Now);

    private static DateTimeOffset After(DateTimeOffset time, TimeSpan span) => DateTimeOffset.MaxValue - time > span ? time + span : DateTimeOffset.MaxValue;

    private TimeSpan DefaultFor(int tier) => tier == 0 ? _policy.HotFor : _policy.WarmFor * tier;

    private (int Index, PlacementCause Cause) TierAt(in PlacementFacts facts)
    {
        if (facts.Pin is { } pin) return (IndexOf(pin), PlacementCause.Pin);
        var rule = FindRule(facts.Key);
        if (rule?.Tier is { } named) return (named, PlacementCause.Rule);
        (int index, PlacementCause cause) = ByUse(facts);
        if (rule is { } bounds && Math.Clamp(index, bounds.Hottest, bounds.Coldest) is var bounded && bounded != index) (index, cause) = (bounded, PlacementCause.Rule);
        int taken = index;
        while (taken < _tiers.Length - 1 && facts.Length > (_tiers[taken].MaxBlobBytes ?? long.MaxValue)) taken++;
        return taken == index ? (index, cause) : (taken, PlacementCause.Size);
    }

    private (int Index, PlacementCause Cause) ByUse(in PlacementFacts facts)
    {
        int last = _tiers.Length - 1;
        if (AccessesOf(facts) >= _policy.AccessCountThreshold) return (0, PlacementCause.Frequency);
        int byAge = 0, byRoom = 0;
        TimeSpan age = facts.Age;
        while (byAge < last && age >= _keepFor[byAge]) byAge++;
        while (byRoom < last && age >= KeepFor(byRoom, facts.Fill)) byRoom++;
        PlacementCause cause = byRoom > byAge ? PlacementCause.CapacityPressure : PlacementCause.Age;
        return byRoom < last && _policy.IsPredictedCold(facts.Use, facts.KnownSince, facts.Now) ? (byRoom + 1, PlacementCause.PredictedCold) : (byRoom, cause);
    }

    /// <summary>How long a tier keeps blobs, given how full it is.</summary>
    private TimeSpan KeepFor(int tier, IReadOnlyList<double>? fill)
    {
        if (fill is null || tier >= fill.Count || !(fill[tier] > _policy.PressureFrom)) return _keepFor[tier];
        double left = fill[tier] >= 1 ? 0 : (1 - fill[tier]) / (1 - _policy.PressureFrom);
        return _keepFor[tier] * left;
    }

    /// <summary>When the tier becomes a slower one, and which, if nobody uses the blob: at one of few moments, which are tried in their order.</summary>
    private (DateTimeOffset Due, int Index) NextChange(in PlacementFacts facts, int index)
    {
        DateTimeOffset from = facts.Now, lastUse = facts.LastUse;
        while (index < _tiers.Length - 1)
        {
            DateTimeOffset next = DateTimeOffset.MaxValue;
            for (int i = 0; i < _tiers.Length - 1; i++) Consider(After(lastUse, KeepFor(i, facts.Fill)), ref next);
            Consider(After(facts.KnownSince, _policy.ColdAge), ref next);
            if (facts.Use.LastAccess is { } access)
            {
                Consider(After(access, AccessScale.HorizonOf(_policy.AccessWindow)), ref next);
                Consider(After(access, AccessScale.HorizonOf(_policy.HistoryWindow)), ref next);
            }

            if (next == DateTimeOffset.MaxValue) break;
            int then = TierAt(facts with { Now = next }).Index;
            if (then > index) return (next, then);
            from = next;
        }

        return (default, index);

        void Consider(DateTimeOffset time, ref DateTimeOffset next)
        {
            if (time > from && time < next) next = time;
        }
    }

    private (PlacementRule Rule, int? Tier, int Hottest, int Coldest)? FindRule(BlobKey key)
    {
        foreach (var rule in _rules)
        {
            if (rule.Rule.Matches(key)) return rule;
        }

        return null;
    }

    private (PlacementRule Rule, int? Tier, int Hottest, int Coldest) Resolve(PlacementRule rule)
    {
        if (rule.Pattern?.Length > KeyPattern.MaxLength) throw new ArgumentException($"A pattern has at most {KeyPattern.MaxLength} characters, not {rule.Pattern.Length}.", nameof(rule));
        if (rule.Tier is not null && (rule.Hottest ?? rule.Coldest) is not null) throw new ArgumentException($"The rule for {rule.Text} names a tier and bounds; it takes one of both.", nameof(rule));
        int hottest = rule.Hottest is { } h ? IndexOf(h) : 0, coldest = rule.Coldest is { } c ? IndexOf(c) : _tiers.Length - 1;
        return hottest <= coldest
            ? (rule, rule.Tier is { } tier ? IndexOf(tier) : null, hottest, coldest)
            : throw new ArgumentException($"The rule for {rule.Text} has bounds the wrong way round: '{rule.Hottest}' is slower than '{rule.Coldest}'.", nameof(rule));
    }
}
