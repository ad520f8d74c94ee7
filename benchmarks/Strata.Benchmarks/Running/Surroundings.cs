using System.Runtime;
using System.Runtime.InteropServices;

namespace Strata.Benchmarks;

/// <summary>The machine and the runtime, as one line above the figures: figures without it mean nothing.</summary>
internal static class Surroundings
{
    public static string Describe(RunSettings settings) =>
        $"{Environment.ProcessorCount} cores ({Processor()}) · {RuntimeInformation.FrameworkDescription} {RuntimeInformation.ProcessArchitecture} · "
        + $"{RuntimeInformation.OSDescription}, {WorkFolder.FileSystem} · {(GCSettings.IsServerGC ? "server" : "workstation")} GC, {(GCSettings.LatencyMode == GCLatencyMode.Batch ? "not concurrent" : "concurrent")} · "
        + $"{settings.Rounds} rounds of {settings.Round.TotalMilliseconds} ms after {settings.WarmUp.TotalSeconds} s of warm-up a lane";

    private static string Processor()
    {
        const string Source = "/proc/cpuinfo";
        string? line = File.Exists(Source) ? File.ReadLines(Source).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() ?? "unknown processor";
    }
}
