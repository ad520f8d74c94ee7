using System.Diagnostics;
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

    public static async Task<ServeProcess> StartAsync(string data)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Strata.Cli.dll"), "serve", "--data", data, "--listen", "127.0.0.1:0"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Process process = Process.Start(start)!;
        var errors = new List<string>();
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null) errors.Add(line.Data);
        };
        process.BeginErrorReadLine();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            if (Ready().Match(line) is { Success: true } ready)
            {
                // Nobody reads on: whatever it prints later must not fill the pipe.
                process.OutputDataReceived += (_, _) => { };
                process.BeginOutputReadLine();
                return new ServeProcess(process, new Uri(ready.Value));
            }
        }

        throw new InvalidOperationException($"strata serve did not start: {string.Join('\n', errors)}");
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

    [GeneratedRegex(@"http://[0-9.:]+")]
    private static partial Regex Ready();
}
