using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Strata.Reliability;

/// <summary>A real <c>strata serve</c>, which can be killed.</summary>
internal sealed partial class ServeProcess : IDisposable
{
    private readonly Process _process;

    private ServeProcess(Process process, Uri address)
    {
        _process = process;
        Address = address;
    }

    public Uri Address { get; }

    /// <param name="data">Its folder.</param>
    /// <param name="listen">Where it listens; port 0 for a free one.</param>
    /// <param name="environment">What it has besides the environment of this process.</param>
    public static async Task<ServeProcess> StartAsync(string data, string listen = "127.0.0.1:0", IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Strata.Cli.dll"), "serve", "--data", data, "--listen", listen])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        Process process = Process.Start(start)!;
        var printed = new ConcurrentQueue<string>();
        var ready = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, line) => Note(line.Data);
        process.ErrorDataReceived += (_, line) => Note(line.Data);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => ready.TrySetException(new InvalidOperationException($"strata serve ended: {string.Join('\n', printed)}"));
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new ServeProcess(process, await ready.Task.WaitAsync(TimeSpan.FromSeconds(60)));

        void Note(string? line)
        {
            if (line is null) return;
            printed.Enqueue(line);
            if (Ready().Match(line) is { Success: true } match) ready.TrySetResult(new Uri(match.Groups[1].Value));
        }
    }

    /// <summary>The most memory that the process has had resident, in bytes.</summary>
    public long PeakMemory() => Memory("VmHWM:");

    /// <summary>The memory that the process has resident, in bytes.</summary>
    public long Memory() => Memory("VmRSS:");

    /// <summary>SIGTERM: the server is to finish what is under way.</summary>
    public async Task TerminateAsync()
    {
        using Process kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    /// <summary>The process's exit code, once it has ended.</summary>
    public async Task<int> ExitCodeAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return _process.ExitCode;
    }

    /// <summary>SIGKILL: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    private long Memory(string kind)
    {
        string line = File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith(kind, StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"ready at (http://[0-9.:]+)")]
    private static partial Regex Ready();
}
