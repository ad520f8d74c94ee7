using System.Globalization;

namespace Strata.Cli;

/// <summary>How columns show times and counts; sizes are <see cref="ByteSize"/>'s.</summary>
internal static class Columns
{
    /// <summary>A moment in local time, to the second.</summary>
    public static string Time(DateTimeOffset time) => time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>A count with thousands separated.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A count with what is counted, such as "1 key" or "2,000 keys".</summary>
    public static string Count(long count, string one, string many) => $"{Count(count)} {(count == 1 ? one : many)}";
}
