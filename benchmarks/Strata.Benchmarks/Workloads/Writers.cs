namespace Strata.Benchmarks;

/// <summary>Callers that each wait for their own write, all at once.</summary>
internal static class Writers
{
    /// <summary>Does operations 0 to <paramref name="operations"/> - 1, each once; the first argument is the caller's number, the second the operation's.</summary>
    public static Task RunAsync(int callers, int operations, Func<int, int, ValueTask> write)
    {
        return Task.WhenAll(Enumerable.Range(0, callers).Select(WriteAsync));

        async Task WriteAsync(int caller)
        {
            // A write that is over when its call returns must not keep the next caller from beginning.
            if (callers > 1) await Task.Yield();
            for (int i = caller; i < operations; i += callers) await write(caller, i);
        }
    }
}
