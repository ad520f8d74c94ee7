using System.Diagnostics;

namespace Strata;

/// <summary>Waits for what another thread or process is about to bring. Compiled into each test project that waits.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

    public static Task HoldsAsync(Func<Task<bool>> condition, TimeSpan? deadline = null, string what = "What was awaited did not come.") => HoldsAsync(condition, () => what, deadline);

    public static Task HoldsAsync(Func<bool> condition, string what, TimeSpan? deadline = null) => HoldsAsync(condition, () => what, deadline);

    /// <param name="condition">What is awaited.</param>
    /// <param name="what">What is said when it does not come, as things are then.</param>
    /// <param name="deadline">How long it may take; null = a minute, which is for a machine that has much else to do.</param>
    public static Task HoldsAsync(Func<bool> condition, Func<string> what, TimeSpan? deadline = null) => HoldsAsync(() => Task.FromResult(condition()), what, deadline);

    private static async Task HoldsAsync(Func<Task<bool>> condition, Func<string> what, TimeSpan? deadline)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(start) >= (deadline ?? Deadline)) Xunit.Assert.Fail(what());
            await Task.Delay(10);
        }
    }
}
