using System.Diagnostics;
using System.Text;

namespace Strata.Server.Tests;

/// <summary><c>node/kv.mjs</c>, which uses Deno KV: under Deno itself, or under Node.js with the package <c>@deno/kv</c>.</summary>
internal sealed class KvProgram : IAsyncDisposable
{
    /// <summary>The runtimes: the one speaks HTTP/2, the other HTTP/1.1.</summary>
    public const string Deno = "deno", Node = "node";

    private readonly Process _process;
    private readonly Task _reading;
    private readonly List<string> _lines = [];

    private KvProgram(Process process)
    {
        _process = process;
        _reading = ReadAsync();
    }

    /// <summary>What it has printed so far.</summary>
    public string[] Lines
    {
        get
        {
            lock (_lines) return [.. _lines];
        }
    }

    /// <summary>Runs it to its end.</summary>
    /// <param name="runtime">One of the two.</param>
    /// <param name="scenario">What it does.</param>
    /// <param name="database">A path or a URL.</param>
    /// <param name="token">What it shows.</param>
    /// <param name="folder">Where it may write.</param>
    public static Task<CommandRun> RunAsync(string runtime, string scenario, string database, string token, string folder) => CommandRun.OfAsync(StartOf(runtime, scenario, database, token, folder));

    /// <summary>Starts it, with its standard input open.</summary>
    public static KvProgram Begin(string runtime, string scenario, string database, string token, string folder)
    {
        ProcessStartInfo start = StartOf(runtime, scenario, database, token, folder);
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        return new KvProgram(Process.Start(start)!);
    }

    /// <summary>Completes when this holds of what it has printed.</summary>
    public Task UntilAsync(Func<string[], bool> holds) => Eventually.HoldsAsync(
        () => holds(Lines),
        () => $"The program has {(_process.HasExited ? $"ended with {_process.ExitCode}" : "not gone on")} after:\n{string.Join('\n', Lines.TakeLast(20))}",
        TimeSpan.FromSeconds(40));

    /// <summary>Tells it that this is enough, and waits for its end.</summary>
    public async Task<int> EndAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(40));
        await _reading;
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _reading;
        _process.Dispose();
    }

    private static ProcessStartInfo StartOf(string runtime, string scenario, string database, string token, string folder)
    {
        string program = NodePackages.ProgramOf("kv.mjs");
        var start = runtime == Deno
            ? new ProcessStartInfo(NodePackages.Deno, ["run", "--allow-all", "--unstable-kv", "--no-config", program, scenario, database])
            : new ProcessStartInfo("node", [program, scenario, database]);
        (start.UseShellExecute, start.WorkingDirectory, start.StandardOutputEncoding, start.StandardErrorEncoding) = (false, folder, Encoding.UTF8, Encoding.UTF8);
        start.Environment.Clear();
        foreach ((string name, string? value) in ((string, string?)[])
        [
            ("PATH", Environment.GetEnvironmentVariable("PATH")), ("HOME", folder), ("TMPDIR", folder), ("DENO_DIR", folder), ("LANG", "C.UTF-8"), ("NO_COLOR", "1"), ("NODE_NO_WARNINGS", "1"),
            ("DENO_NO_UPDATE_CHECK", "1"), ("NODE_PATH", NodePackages.FolderWith("@deno/kv")), ("DENO_KV_ACCESS_TOKEN", token),
        ])
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private Task ReadAsync()
    {
        return Task.WhenAll(KeepAsync(_process.StandardOutput), KeepAsync(_process.StandardError));

        async Task KeepAsync(StreamReader reader)
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                lock (_lines) _lines.Add(line);
            }
        }
    }
}
