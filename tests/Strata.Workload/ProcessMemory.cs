using System.Globalization;

namespace Strata.Workload;

/// <summary>What this process takes of the machine.</summary>
internal static class ProcessMemory
{
    /// <summary>Memory that no file backs, bytes: heap, index, buffers.</summary>
    public static long Anonymous() => Of("RssAnon:");

    public static int Handles() => Directory.GetFiles("/proc/self/fd").Length;

    private static long Of(string kind)
    {
        string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith(kind, StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
