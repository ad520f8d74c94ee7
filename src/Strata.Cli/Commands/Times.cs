using System.Globalization;

namespace Strata.Cli;

/// <summary>Moments and durations as a person writes them.</summary>
internal static class Times
{
    private const string Iso = "an ISO 8601 time, such as 2030-01-31T12:00:00Z (without a zone: local time)";

    /// <summary>A moment.</summary>
    public static DateTimeOffset Moment(string text, string option) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out DateTimeOffset moment)
            ? moment.ToUniversalTime()
            : throw CliException.Usage($"{option} takes {Iso}; this is '{text}'.");

    /// <summary>A duration above zero: a number with s, m, h or d.</summary>
    public static TimeSpan Duration(string text, string option)
    {
        double seconds = text.Length == 0 ? 0 : text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86400, _ => 0 };
        if (seconds > 0 && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count)
            && count > 0 && count * seconds < TimeSpan.FromDays(36500).TotalSeconds) return TimeSpan.FromSeconds(count * seconds);
        throw CliException.Usage($"{option} takes a number with s, m, h or d, such as 90s or 30d, up to a hundred years; this is '{text}'.");
    }
}
