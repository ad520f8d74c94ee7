using System.Globalization;
using System.Text;

namespace Strata;

/// <summary>A classification in words for a person.</summary>
internal static class PlacementWords
{
    public static string Explain(TierClassifier classifier, in PlacementFacts facts, Classification found)
    {
        var text = new StringBuilder();
        text.Append(found.Tier).Append(": ").Append(Reason(classifier, facts, found));
        if (found.Cause is not (PlacementCause.Pin or PlacementCause.Rule))
        {
            TieringPolicy policy = classifier.Policy;
            int accesses = classifier.AccessesOf(facts);
            string hottest = classifier.Tiers[0].Name;
            if (found.Cause != PlacementCause.Frequency)
            {
                text.Append(CultureInfo.InvariantCulture, $"; {Count(accesses)} within {Span(policy.AccessWindow)}");
                if (found.Index > 0 && found.Cause != PlacementCause.Size) text.Append(CultureInfo.InvariantCulture, $", {policy.AccessCountThreshold} would make it {hottest}");
            }
        }

        if (found.Due is { } due)
        {
            text.Append(CultureInfo.InvariantCulture, $"; due to go to {classifier.Tiers[found.DueIndex].Name} at {due.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z");
            text.Append(found.Cause == PlacementCause.Frequency ? " at the latest, if it is not used before" : ", if it is not used before");
        }

        return text.ToString();
    }

    /// <summary>A time as one says it: the largest unit of which there is one, with one digit behind the point where that says more.</summary>
    public static string Span(TimeSpan time)
    {
        (double count, string unit) = time.TotalSeconds switch
        {
            < 60 => (time.TotalSeconds, "s"),
            < 3600 => (time.TotalMinutes, "min"),
            < 2 * 86400 => (time.TotalHours, "h"),
            _ => (time.TotalDays, "d"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(count * 10) / 10:0.#} {unit}");
    }

    private static string Reason(TierClassifier classifier, in PlacementFacts facts, Classification found)
    {
        TieringPolicy policy = classifier.Policy;
        return found.Cause switch
        {
            PlacementCause.Pin => "pinned",
            PlacementCause.Rule => RuleReason(classifier.RuleFor(facts.Key)!),
            PlacementCause.Frequency => $"{Count(classifier.AccessesOf(facts))} within {Span(policy.AccessWindow)}, and {policy.AccessCountThreshold} keep it {found.Tier}",
            PlacementCause.PredictedCold => $"known for {Span(facts.Now - facts.KnownSince)}, with fewer than {policy.ColdPredictionThreshold} accesses within {Span(policy.HistoryWindow)}: one tier lower than its last use, {Span(facts.Age)} ago, says",
            PlacementCause.CapacityPressure => $"last used {Span(facts.Age)} ago, and a faster tier is nearly full",
            PlacementCause.Size => $"{facts.Length.ToString("#,0", CultureInfo.InvariantCulture)} bytes are too long for {classifier.Tiers[found.Index - 1].Name}",
            _ => found.Index == 0 || classifier.Tiers.Count == 1 ? AgeReason(classifier, facts, 0, "holds") : AgeReason(classifier, facts, found.Index - 1, "holds only"),
        };
    }

    private static string AgeReason(TierClassifier classifier, in PlacementFacts facts, int tier, string holds) =>
        classifier.Tiers.Count == 1 ? "there is no other tier" : $"last used {Span(facts.Age)} ago, and {classifier.Tiers[tier].Name} {holds} for {Span(classifier.KeepFor(tier))}";

    private static string RuleReason(PlacementRule rule) => rule switch
    {
        { Tier: not null } => $"the rule for {rule.Text} says so",
        { Hottest: { } hottest, Coldest: null } => $"the rule for {rule.Text} allows nothing hotter than {hottest}",
        { Hottest: null, Coldest: { } coldest } => $"the rule for {rule.Text} allows nothing colder than {coldest}",
        _ => $"the rule for {rule.Text} allows {rule.Hottest} to {rule.Coldest}",
    };

    private static string Count(int accesses) => accesses == 1 ? "1 access" : $"{accesses} accesses";
}
