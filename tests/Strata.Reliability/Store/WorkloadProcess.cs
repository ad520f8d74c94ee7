using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Strata.Workload;

namespace Strata.Reliability;

/// <summary>A process that works on a disk store of its own (Strata.Workload), and can be stopped, killed and traced.</summary>
internal sealed class WorkloadProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _printed = new();
    private readonly TaskCompletionSource<bool> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _said = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly ConcurrentQueue<Acknowledgement> _acknowledged = new();

    private WorkloadProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Note(line.Data);
        process.ErrorDataReceived += (_, line) => Note(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _ = EndAsync(process);
    }

    public int Id => _process.Id;

    /// <summary>What its writers have been told so far.</summary>
    public IReadOnlyList<Acknowledgement> Acknowledged => [.. _acknowledged];

    /// <summary>The other lines that it has printed so far.</summary>
    public IReadOnlyList<string> Printed => [.. _printed];

    /// <summary>The first and the last of them.</summary>
    public string Text
    {
        get
        {
            const int Some = 12;
            string[] lines = [.. _printed];
            return string.Join('\n', lines.Length <= 2 * Some ? lines : [.. lines[..Some], $"... {lines.Length - (2 * Some)} more ...", .. lines[^Some..]]);
        }
    }

    /// <param name="settings">What it is to do.</param>
    /// <param name="tracer">A command that starts it, if any.</param>
    /// <param name="heapLimit">The most that its garbage-collected heap may have, bytes.</param>
    public static WorkloadProcess Start(WorkloadSettings settings, IReadOnlyList<string>? tracer = null, long? heapLimit = null) =>
        Start([.. tracer ?? [], "dotnet", Path.Combine(AppContext.BaseDirectory, "Strata.Workload.dll"), .. settings.ToArguments()], heapLimit);

    /// <summary>Starts what looks after such a process.</summary>
    public static WorkloadProcess Start(string[] command) => Start(command, null);

    private static WorkloadProcess Start(string[] command, long? heapLimit)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };

        // The runtime's own files and pipes would be calls among those that are counted.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        if (heapLimit is { } most) start.Environment["DOTNET_GCHeapHardLimit"] = most.ToString("x", CultureInfo.InvariantCulture);
        return new WorkloadProcess(Process.Start(start)!);
    }

    /// <summary>Waits until the store is open. False: the process has ended before.</summary>
    public Task<bool> OpenedAsync() => _opened.Task.WaitAsync(Patience);

    /// <summary>Waits until it has acknowledged something, and then so long.</summary>
    public async Task HasWrittenAsync(TimeSpan time)
    {
        Assert.True(await OpenedAsync(), $"the store does not open: {Text}");
        await Eventually.HoldsAsync(() => _process.HasExited || !_acknowledged.IsEmpty, "nothing was acknowledged");
        Assert.False(_process.HasExited, $"it ended before it acknowledged anything: {Text}");
        await Task.Delay(time);
    }

    /// <summary>Waits until it has acknowledged a write and printed a line, and then so long.</summary>
    public async Task HasPrintedAsync(string line, TimeSpan time)
    {
        await HasWrittenAsync(TimeSpan.Zero);
        await Eventually.HoldsAsync(() => _process.HasExited || _printed.Contains(line), () => $"it did not print '{line}': {Text}", Patience);
        Assert.False(_process.HasExited, $"it ended before it printed '{line}': {Text}");
        await Task.Delay(time);
    }

    /// <summary>Waits until it has acknowledged a commit to a KV database, and then so long.</summary>
    public async Task HasCommittedAsync(TimeSpan time)
    {
        Assert.True(await OpenedAsync(), $"the database does not open: {Text}");
        await Eventually.HoldsAsync(() => _process.HasExited || _printed.Any(l => KvAcknowledgement.Read(l) is not null), () => $"nothing was committed: {Text}");
        Assert.False(_process.HasExited, $"it ended before it committed anything: {Text}");
        await Task.Delay(time);
    }

    /// <summary>Lets it go on that waits for a word.</summary>
    public Task SayAsync() => _process.StandardInput.WriteLineAsync("go");

    /// <summary>SIGSTOP: from its return on no thread of the process takes another step; one may be within a call that the system ends by itself.</summary>
    public async Task StopAsync()
    {
        await SystemCommand.RunAsync("kill", "-STOP", _process.Id.ToString(CultureInfo.InvariantCulture));
        await Eventually.HoldsAsync(() => !States().Contains('R'), "a stopped process went on running");
    }

    /// <summary>SIGKILL: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _said.Task.WaitAsync(Patience);
    }

    /// <summary>The exit code, once it has ended and all that it printed is there.</summary>
    public async Task<int> ExitCodeAsync(TimeSpan? patience = null)
    {
        await _said.Task.WaitAsync(patience ?? Patience);
        return _process.ExitCode;
    }

    /// <summary>The system's number of a thread whose name begins so.</summary>
    public int ThreadNamed(string name)
    {
        foreach (string thread in Directory.GetDirectories($"/proc/{_process.Id}/task"))
        {
            if (Read(thread, "comm").StartsWith(name, StringComparison.Ordinal)) return int.Parse(Path.GetFileName(thread), CultureInfo.InvariantCulture);
        }

        throw new InvalidOperationException($"no thread of the process is named {name}");
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private void Note(string? line)
    {
        if (line is null) return;
        if (Acknowledgement.Read(line) is { } told) _acknowledged.Enqueue(told);
        else _printed.Enqueue(line);
        if (line == WriteCommand.Opened) _opened.TrySetResult(true);
    }

    private async Task EndAsync(Process process)
    {
        await process.WaitForExitAsync();
        _opened.TrySetResult(false);
        _said.SetResult();
    }

    /// <summary>The state of each thread, as in /proc: R runs, T is stopped, D is within a call. One that has just ended ran a moment ago.</summary>
    private string States() => string.Concat(Directory.GetDirectories($"/proc/{_process.Id}/task").Select(t => Read(t, "stat") is { Length: > 0 } stat ? stat[stat.LastIndexOf(')') + 2] : 'R'));

    private static string Read(string thread, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(thread, file));
        }
        catch (IOException)
        {
            return "";
        }
    }
}
