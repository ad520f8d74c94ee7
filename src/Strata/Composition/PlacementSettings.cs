using Microsoft.Extensions.Configuration;

namespace Strata;

/// <summary>The settings of placement, tiering runs and prices among those of <c>Tiering</c>.</summary>
internal static class PlacementSettings
{
    private const int MostCount = 1_000_000_000;

    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "HotFor", "WarmFor", "AccessCountThreshold", "AccessWindow", "PromoteOnRead", "HistoryWindow", "ColdPredictionThreshold", "ColdAge", "PressureFrom", "Rules",
        "TrackerBytes", "ScoreHalfLife", "RunEvery", "RunMaxOperations", "RunMaxBytes", "RunBytesPerSecond", "Prices",
    ];

    /// <summary>Reads them over the defaults.</summary>
    /// <param name="tiering">The section, which knows <see cref="Names"/>.</param>
    /// <param name="defaults">What holds where a setting is missing.</param>
    /// <param name="tiers">The store's tiers, fastest first: what rules and prices may name.</param>
    /// <exception cref="StrataConfigurationException">A setting is wrong; the message names it.</exception>
    public static TieringOptions Read(SettingsSection tiering, TieringOptions defaults, IReadOnlyList<string> tiers)
    {
        TieringOptions options = defaults with
        {
            Policy = ReadPolicy(tiering, defaults.Policy, tiers),
            Tracker = defaults.Tracker with
            {
                MaxBytes = tiering.Size("TrackerBytes", 512 << 10, long.MaxValue) ?? defaults.Tracker.MaxBytes,
                ScoreHalfLife = tiering.Time("ScoreHalfLife") ?? defaults.Tracker.ScoreHalfLife,
            },
            RunEvery = tiering.Time("RunEvery"),
            RunBudget = defaults.RunBudget with { MaxOperations = tiering.Count("RunMaxOperations", MostCount), MaxBytes = tiering.Size("RunMaxBytes", 1, long.MaxValue) },
            RunBytesPerSecond = tiering.Size("RunBytesPerSecond", 1 << 10, long.MaxValue),
            Prices = [.. tiering.Children("Prices").Select(price => ReadPrice(price, tiers))],
        };
        Checked(tiering.PathOf("RunMaxOperations"), options.RunBudget.Check);
        Checked(tiering.Path, options.Check);
        return options;
    }

    private static TieringPolicy ReadPolicy(SettingsSection tiering, TieringPolicy defaults, IReadOnlyList<string> tiers)
    {
        TieringPolicy policy = defaults with
        {
            HotFor = tiering.Time("HotFor") ?? defaults.HotFor,
            WarmFor = tiering.Time("WarmFor") ?? defaults.WarmFor,
            AccessCountThreshold = tiering.Count("AccessCountThreshold", AccessScale.MostCounted) ?? defaults.AccessCountThreshold,
            AccessWindow = tiering.Time("AccessWindow") ?? defaults.AccessWindow,
            PromoteOnRead = tiering.Flag("PromoteOnRead") ?? defaults.PromoteOnRead,
            HistoryWindow = tiering.Time("HistoryWindow") ?? defaults.HistoryWindow,
            ColdPredictionThreshold = tiering.Count("ColdPredictionThreshold", AccessScale.MostCounted) ?? defaults.ColdPredictionThreshold,
            ColdAge = tiering.Time("ColdAge") ?? defaults.ColdAge,
            PressureFrom = tiering.Number("PressureFrom") is { } share ? (double)share : defaults.PressureFrom,
        };

        // Its messages begin with the name of the setting.
        Checked(tiering.Path, policy.Check);
        return policy with { Rules = [.. tiering.Children("Rules").Select(rule => ReadRule(rule, policy, tiers))] };
    }

    private static PlacementRule ReadRule(IConfigurationSection configuration, TieringPolicy policy, IReadOnlyList<string> tiers)
    {
        var section = new SettingsSection(configuration, "Prefix", "Pattern", "Tier", "Hottest", "Coldest");
        var rule = new PlacementRule { Prefix = section.Text("Prefix"), Pattern = section.Text("Pattern"), Tier = section.Text("Tier"), Hottest = section.Text("Hottest"), Coldest = section.Text("Coldest") };
        if ((rule.Tier ?? rule.Hottest ?? rule.Coldest) is null) throw section.Missing("Tier", $"one of {string.Join(", ", tiers)}, or Hottest or Coldest in its place");
        Checked(section.Path, () => _ = new TierClassifier(policy with { Rules = [rule] }, [.. tiers.Select(tier => new TierPlan { Name = tier })]));
        return rule;
    }

    private static TierPrice ReadPrice(IConfigurationSection configuration, IReadOnlyList<string> tiers)
    {
        var section = new SettingsSection(configuration, "PerGibMonth", "PerThousandReads", "PerThousandWrites");
        if (!tiers.Contains(configuration.Key)) throw new StrataConfigurationException(section.Path, $"names no tier; there are {string.Join(", ", tiers)}.");
        return new TierPrice
        {
            Tier = configuration.Key,
            PerGibMonth = section.Number("PerGibMonth") ?? 0,
            PerThousandReads = section.Number("PerThousandReads") ?? 0,
            PerThousandWrites = section.Number("PerThousandWrites") ?? 0,
        };
    }

    private static void Checked(string setting, Action check)
    {
        try
        {
            check();
        }
        catch (ArgumentException e)
        {
            string path = e.ParamName is { } name && (Names.Contains(name) || FreshnessSettings.Names.Contains(name)) ? ConfigurationPath.Combine(setting, name) : setting;
            throw new StrataConfigurationException(path, $"is wrong: {e.Message.Split(" (Parameter ")[0]}", e);
        }
    }
}
