using System.Runtime.InteropServices;

namespace Strata.Cli;

/// <summary>What a demonstration is made of: some thousand real files, and tiers small enough to overflow.</summary>
internal static class DemoFolder
{
    private const long HotBytes = 32L << 20, WarmBytes = 128L << 20;

    /// <summary>The .NET SDK's own folder; without an SDK, that of the runtime.</summary>
    public static string Default()
    {
        // …/shared/Microsoft.NETCore.App/VERSION/
        string runtime = Path.TrimEndingDirectorySeparator(RuntimeEnvironment.GetRuntimeDirectory());
        string root = Path.GetFullPath(Path.Combine(runtime, "..", "..", ".."));
        string sdk = Path.Combine(root, "sdk");
        return Directory.Exists(sdk) ? sdk : root;
    }

    /// <summary>The same store with upper tiers that the demonstration fills, so that promotion and eviction are seen.</summary>
    public static StrataSettings WithSmallTiers(StrataSettings settings) => settings with
    {
        Stores = settings.Stores.ToDictionary(
            s => s.Key,
            s => s.Value with
            {
                Tiers = [.. s.Value.Tiers.Select(t => t.Name switch
                {
                    "hot" => t with { MaxBytes = HotBytes },
                    "warm" => t with { MaxBytes = WarmBytes, MaxBlobBytes = null },
                    _ => t,
                })],
            },
            StringComparer.Ordinal),
    };
}
