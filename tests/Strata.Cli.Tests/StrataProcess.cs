using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Xunit;

namespace Strata.Cli.Tests;

/// <summary>What a run of the tool came to.</summary>
internal sealed record ToolResult(int ExitCode, byte[] OutputBytes, string Error)
{
    public string Output => System.Text.Encoding.UTF8.GetString(OutputBytes);

    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The peak of the process's memory, in bytes; 0 where the system does not tell.</summary>
    public long PeakBytes { get; init; }

    /// <summary>The one JSON document that was written.</summary>
    public JsonElement Json => JsonDocument.Parse(Assert.Single(Lines)).RootElement;

    /// <summary>The JSON lines that were written.</summary>
    public List<JsonElement> JsonLines => [.. Lines.Select(l => JsonDocument.Parse(l).RootElement)];

    public ToolResult Exits(int code)
    {
        Assert.True(code == ExitCode, $"Expected exit code {code}, got {ExitCode}.\n{Output}\n{Error}");
        return this;
    }

    /// <summary>Failed with one line on standard error that says all of this, and with no stack trace.</summary>
    public void Fails(int code, params string[] says)
    {
        Exits(code);
        string line = Assert.Single(Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("strata: ", line, StringComparison.Ordinal);
        Assert.All(says, s => Assert.Contains(s, line, StringComparison.Ordinal));
    }
}

/// <summary>The tool, as built, as a process of its own.</summary>
internal sealed partial class StrataProcess : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(180);

    private readonly Process _process;

    private StrataProcess(Process process) => _process = process;

    /// <summary>Where it serves.</summary>
    public Uri Address { get; private set; } = null!;

    public int Id => _process.Id;

    /// <summary>Runs the tool to its end.</summary>
    public static Task<ToolResult> RunAsync(params string[] arguments) => RunAsync(arguments, null);

    /// <summary>Runs the tool to its end.</summary>
    public static async Task<ToolResult> RunAsync(
        string[] arguments, byte[]? input, IReadOnlyDictionary<string, string>? environment = null, string? folder = null)
    {
        using Process process = Start(arguments, environment, folder);
        Task<string> error = process.StandardError.ReadToEndAsync();
        Task writing = WriteInputAsync(process, input);
        using var output = new MemoryStream();
        Task copying = process.StandardOutput.BaseStream.CopyToAsync(output);
        long peak = await WatchAsync(process);
        await copying;
        await writing;
        return new ToolResult(process.ExitCode, output.ToArray(), await error) { PeakBytes = peak };
    }

    /// <summary>Runs the tool to its end with its standard output going to a file.</summary>
    public static async Task<ToolResult> RunIntoAsync(string file, params string[] arguments)
    {
        string[] line = ["-c", "file=$1; shift; exec dotnet \"$0\" \"$@\" > \"$file\"", Path.Combine(AppContext.BaseDirectory, "Strata.Cli.dll"), file, .. arguments];
        using var process = Process.Start(new ProcessStartInfo("sh", line) { UseShellExecute = false, RedirectStandardError = true })!;
        string error = await process.StandardError.ReadToEndAsync().WaitAsync(Limit);
        await process.WaitForExitAsync().WaitAsync(Limit);
        return new ToolResult(process.ExitCode, [], error);
    }

    /// <summary>Starts the tool, with its standard input open.</summary>
    public static StrataProcess Begin(params string[] arguments) => Begin(null, arguments);

    /// <summary>Starts the tool, with its standard input open.</summary>
    public static StrataProcess Begin(IReadOnlyDictionary<string, string>? environment, params string[] arguments) => new(Start(arguments, environment, null));

    /// <summary>Starts <c>strata serve</c> and waits until it is ready.</summary>
    public static Task<StrataProcess> ServeAsync(string data, params string[] more) => ServeAsync(data, null, more);

    /// <summary>Starts <c>strata serve</c> and waits until it is ready.</summary>
    public static async Task<StrataProcess> ServeAsync(string data, IReadOnlyDictionary<string, string>? environment, params string[] more)
    {
        string[] listen = more.Contains("--listen") ? [] : ["--listen", "127.0.0.1:0"];
        var served = new StrataProcess(Start(["serve", "--data", data, .. listen, "--json", .. more], environment, null));
        using var limit = new CancellationTokenSource(Limit);
        string? line = await served._process.StandardOutput.ReadLineAsync(limit.Token);
        if (line is null) Assert.Fail(await served._process.StandardError.ReadToEndAsync(limit.Token));
        JsonElement ready = JsonDocument.Parse(line).RootElement;
        Assert.Equal("ready", ready.GetProperty("event").GetString());
        served.Address = new Uri(ready.GetProperty("address").GetString()!);
        return served;
    }

    /// <summary>Writes to its standard input, and leaves it open.</summary>
    public async Task SendAsync(byte[] bytes)
    {
        await _process.StandardInput.BaseStream.WriteAsync(bytes);
        await _process.StandardInput.BaseStream.FlushAsync();
    }

    /// <summary>The next line that it prints.</summary>
    public async Task<string?> NextLineAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        return await _process.StandardOutput.ReadLineAsync(limit.Token);
    }

    /// <summary>Asks it to stop, as Ctrl-C (2) or a service manager (15) does.</summary>
    public async Task<int> StopAsync(int signal = 15)
    {
        Assert.Equal(0, Kill(_process.Id, signal));
        Task<string> rest = _process.StandardOutput.ReadToEndAsync();
        await _process.WaitForExitAsync().WaitAsync(Limit);
        await rest;
        return _process.ExitCode;
    }

    /// <summary>The peak of its memory so far, in bytes.</summary>
    public long PeakBytes => PeakOf(_process.Id);

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    private static Process Start(string[] arguments, IReadOnlyDictionary<string, string>? environment, string? folder)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Strata.Cli.dll"), .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "",
        };
        start.Environment.Remove("STRATA_DATA");
        start.Environment["STRATA_SEALING_KEY_FILE"] = "/proc/a test names its own";
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static async Task WriteInputAsync(Process process, byte[]? input)
    {
        if (input is not null) await process.StandardInput.BaseStream.WriteAsync(input);
        process.StandardInput.Close();
    }

    private static async Task<long> WatchAsync(Process process)
    {
        long peak = 0;
        Task exit = process.WaitForExitAsync().WaitAsync(Limit);
        while (!exit.IsCompleted)
        {
            peak = Math.Max(peak, PeakOf(process.Id));
            await Task.WhenAny(exit, Task.Delay(10));
        }

        await exit;
        return peak;
    }

    private static long PeakOf(int id)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{id}/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : 1024 * long.Parse(line.Split(':')[1].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int id, int signal);
}
