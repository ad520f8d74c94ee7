using Microsoft.Extensions.Configuration;

namespace Strata;

/// <summary>The settings of freshness and of times to live among those of <c>Tiering</c>.</summary>
internal static class FreshnessSettings
{
    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = ["FreshFor", "StaleWhileRevalidate", "FailSafeFor", "FailSafeThrottle", "DefaultTimeToLive", "TimeToLiveRules", "SweepEvery"];

    /// <summary>Reads them over the defaults; whether they are in range, and fit together, the options say.</summary>
    /// <param name="tiering">The section, which knows <see cref="Names"/>.</param>
    /// <param name="defaults">What holds where a setting is missing.</param>
    /// <exception cref="StrataConfigurationException">A setting cannot be read; the message names it.</exception>
    public static TieringOptions Read(SettingsSection tiering, TieringOptions defaults) => defaults with
    {
        FreshFor = tiering.Time("FreshFor"),
        StaleWhileRevalidate = tiering.Time("StaleWhileRevalidate") ?? defaults.StaleWhileRevalidate,
        FailSafeFor = tiering.Time("FailSafeFor"),
        FailSafeThrottle = tiering.Time("FailSafeThrottle") ?? defaults.FailSafeThrottle,
        DefaultTimeToLive = tiering.Time("DefaultTimeToLive"),
        TimeToLiveRules = [.. tiering.Children("TimeToLiveRules").Select(ReadRule)],
        SweepEvery = tiering.Time("SweepEvery"),
    };

    private static TimeToLiveRule ReadRule(IConfigurationSection configuration)
    {
        var rule = new SettingsSection(configuration, "Prefix", "TimeToLive");
        return new TimeToLiveRule { Prefix = rule.Text("Prefix") ?? throw rule.Missing("Prefix", "what the keys begin with, such as tmp/"), TimeToLive = rule.Time("TimeToLive") };
    }
}
