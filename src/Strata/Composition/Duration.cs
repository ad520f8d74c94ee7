using System.Globalization;

namespace Strata;

/// <summary>Durations as people write them: <c>90s</c>, <c>1.5h</c>, <c>30d</c>, <c>00:01:30</c>. The one parser.</summary>
public static class Duration
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(36500);

    private static readonly (string Unit, double Seconds)[] Units = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)];

    /// <summary>What the parser takes, for messages.</summary>
    public static string Accepted => "a number with ms, s, m, h or d, such as 90s or 30d, or hours, minutes and seconds, such as 00:01:30; up to a hundred years";

    /// <summary>Parses a duration of 0 to 36,500 days.</summary>
    public static bool TryParse(string? text, out TimeSpan duration)
    {
        ReadOnlySpan<char> trimmed = text.AsSpan().Trim();
        if (trimmed.Contains(':')) return TimeSpan.TryParse(trimmed, CultureInfo.InvariantCulture, out duration) && duration >= TimeSpan.Zero && duration <= Longest;
        duration = default;
        foreach ((string unit, double seconds) in Units)
        {
            if (!trimmed.EndsWith(unit, StringComparison.Ordinal)) continue;
            if (!double.TryParse(trimmed[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count)) return false;
            if (!(count * seconds <= Longest.TotalSeconds)) return false;
            duration = TimeSpan.FromSeconds(count * seconds);
            return true;
        }

        return false;
    }
}
