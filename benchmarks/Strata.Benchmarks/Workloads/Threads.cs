namespace Strata.Benchmarks;

/// <summary>Blocking work on threads of its own.</summary>
internal static class Threads
{
    /// <summary>Runs it once on each thread; its argument is the thread's number.</summary>
    public static Task RunAsync(int threads, Action<int> work) => Task.WhenAll(
        Enumerable.Range(0, threads).Select(number => Task.Factory.StartNew(() => work(number), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
}
