using System.Diagnostics;

namespace Strata.Server.Tests;

/// <summary>Waits for what another thread or process is about to bring.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    public static async Task HoldsAsync(Func<Task<bool>> condition, TimeSpan? deadline = null)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Xunit.Assert.True(Stopwatch.GetElapsedTime(start) < (deadline ?? Deadline), "What was awaited did not come.");
            await Task.Delay(10);
        }
    }
}
