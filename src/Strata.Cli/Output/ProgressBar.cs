using Spectre.Console;

namespace Strata.Cli;

/// <summary>Bytes, rate and remaining time on standard error, while a person watches it; else nothing.</summary>
internal sealed class ProgressBar : ICopyProgress
{
    private long _expected, _passed, _items, _finished;

    /// <summary>Runs some work with a bar.</summary>
    public static async Task<int> RunAsync(bool isShown, Func<ICopyProgress, Task<int>> work)
    {
        var bar = new ProgressBar();
        if (!isShown) return await work(bar);
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return await console.Progress()
            .AutoClear(true)
            .Columns(new SpinnerColumn(), new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new DownloadedColumn(), new TransferSpeedColumn(), new RemainingTimeColumn())
            .StartAsync(context => bar.ShowAsync(context.AddTask("copying", maxValue: 1), work(bar)));
    }

    public void Expect(long bytes)
    {
        Interlocked.Increment(ref _items);
        Interlocked.Add(ref _expected, bytes);
    }

    public void Add(long bytes) => Interlocked.Add(ref _passed, bytes);

    public void Finish(long notPassed)
    {
        Interlocked.Increment(ref _finished);
        Interlocked.Add(ref _expected, -notPassed);
    }

    private async Task<int> ShowAsync(ProgressTask task, Task<int> work)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!work.IsCompleted)
        {
            task.Description = $"{Columns.Count(Volatile.Read(ref _finished))} of {Columns.Count(Volatile.Read(ref _items))}";
            task.MaxValue = Math.Max(1, Volatile.Read(ref _expected));
            task.Value = Volatile.Read(ref _passed);
            await Task.WhenAny(work, timer.WaitForNextTickAsync().AsTask());
        }

        return await work;
    }
}
