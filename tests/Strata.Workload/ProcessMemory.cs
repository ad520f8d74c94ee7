using System.Globalization;

namespace Strata.Workload;

/// <summary>What this process takes of the machine.</summary>
internal static class ProcessMemory
{
    /// <summary>Memory that no file backs, bytes: heap, index, buffers.</summary>
    public static long Anonymous() => Of("RssAnon:");

    /// <summary>The most that was ever resident, files included, bytes.</summary>
    public static long Peak() => Of("VmHWM:");

    /// <summary>What the collector finds alive on the heap, bytes.</summary>
    public static long Live()
    {
        // Twice, so that what finalizers let go is gone too.
        for (int i = 0; i < 2; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        GCMemoryInfo info = GC.GetGCMemoryInfo(GCKind.FullBlocking);
        return info.HeapSizeBytes - info.FragmentedBytes;
    }

    public static int Handles() => Directory.GetFiles("/proc/self/fd").Length;

    private static long Of(string kind)
    {
        string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith(kind, StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
