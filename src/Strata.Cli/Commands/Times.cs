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

    /// <summary>A duration above zero.</summary>
    public static TimeSpan Duration(string text, string option)
    {
        if (Strata.Duration.TryParse(text, out TimeSpan duration) && duration > TimeSpan.Zero) return duration;
        throw CliException.Usage($"{option} takes {Strata.Duration.Accepted}, and more than 0; this is '{text}'.");
    }
}
