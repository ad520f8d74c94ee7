using System.Diagnostics;

namespace Strata;

/// <summary>Waits for what another thread or process is about to bring. Compiled into each test project that waits.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    public static async Task HoldsAsync(Func<Task<bool>> condition, TimeSpan? deadline = null, string what = "What was awaited did not come.")
    {
        long start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Xunit.Assert.True(Stopwatch.GetElapsedTime(start) < (deadline ?? Deadline), what);
            await Task.Delay(10);
        }
    }

    public static Task HoldsAsync(Func<bool> condition, string what, TimeSpan? deadline = null) => HoldsAsync(() => Task.FromResult(condition()), deadline, what);
}
