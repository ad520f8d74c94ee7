using System.Diagnostics;

namespace Strata.Benchmarks;

/// <summary>One of the things compared: a piece of work that can be done any number of times, and what its rounds took.</summary>
internal sealed class Lane(string name, int threads, Func<int, int, Task> work)
{
    private const int PreludeShare = 4;
    private readonly List<Sample> _samples = [];
    private int _operations = 1;

    public string Name => name;

    public IReadOnlyList<Sample> Samples => _samples;

    /// <summary>The server whose use of the processor counts, in a process of its own; null for none.</summary>
    public ServerProcess? Server { get; init; }

    /// <summary>
    /// One of many short runs before the first round: the runtime compiles a method for good after a number of calls, in
    /// the background. A run grows until it takes a hundredth of the warm-up.
    /// </summary>
    /// <returns>What it took.</returns>
    public async Task<TimeSpan> WarmUpAsync(RunSettings settings)
    {
        Sample sample = await MeasureAsync(_operations);
        if (sample.Elapsed < settings.WarmUp / 100) _operations = Math.Min(_operations * 2, 1 << 26);
        return sample.Elapsed;
    }

    /// <summary>Finds how many operations make a round.</summary>
    public async Task CalibrateAsync(RunSettings settings)
    {
        Sample sample = await MeasureAsync(_operations);
        double each = sample.Elapsed.TotalSeconds * threads / sample.Operations;
        _operations = (int)Math.Clamp(settings.Round.TotalSeconds / each, 1, 1 << 30);
    }

    /// <summary>
    /// One round, kept. What the other lanes and the collection pushed out of the processor's caches comes back in a
    /// prelude that is not timed.
    /// </summary>
    public async Task RunRoundAsync()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        await MeasureAsync(_operations / PreludeShare);
        _samples.Add(await MeasureAsync(_operations));
    }

    private async Task<Sample> MeasureAsync(int operations)
    {
        TimeSpan before = Server?.ProcessorTime ?? default;
        Sample sample = threads == 1 ? await MeasureOneAsync(operations) : await MeasureManyAsync(operations);
        return Server is null ? sample : sample with { ServerTime = Server.ProcessorTime - before };
    }

    private async Task<Sample> MeasureOneAsync(int operations)
    {
        long processBytes = GC.GetTotalAllocatedBytes(precise: true), threadBytes = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        Task running = work(0, operations);
        if (running.IsCompletedSuccessfully)
        {
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            return new Sample(elapsed, operations, GC.GetAllocatedBytesForCurrentThread() - threadBytes);
        }

        await running;
        return new Sample(Stopwatch.GetElapsedTime(start), operations, GC.GetTotalAllocatedBytes(precise: true) - processBytes);
    }

    /// <summary>Threads of their own, let go at once; the time is from the first start to the last end.</summary>
    private async Task<Sample> MeasureManyAsync(int operations)
    {
        long processBytes = GC.GetTotalAllocatedBytes(precise: true);
        using var ready = new Barrier(threads);
        var starts = new long[threads];
        var ends = new long[threads];
        Task[] running = [.. Enumerable.Range(0, threads).Select(thread => Task.Factory.StartNew(() => RunOne(thread), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap())];
        await Task.WhenAll(running);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(starts.Min(), ends.Max());
        return new Sample(elapsed, (long)operations * threads, GC.GetTotalAllocatedBytes(precise: true) - processBytes);

        async Task RunOne(int thread)
        {
            ready.SignalAndWait();
            starts[thread] = Stopwatch.GetTimestamp();
            await work(thread, operations);
            ends[thread] = Stopwatch.GetTimestamp();
        }
    }
}
