using System.Diagnostics;

namespace Strata.Benchmarks;

/// <summary>A program of Deno's that gets and sets in a KV database, <c>deno-kv.mjs</c>: told by lines what to do how often.</summary>
internal sealed class DenoProgram : IAsyncDisposable
{
    private const string Program = "deno-kv.mjs";
    private readonly Process _process;

    private DenoProgram(Process process) => _process = process;

    /// <summary>Where Deno is: STRATA_DENO, the path, or where <c>test.sh</c> installs it; null if it is nowhere.</summary>
    public static string? Path { get; } = Find();

    /// <param name="database">A path or a URL.</param>
    /// <param name="folder">Where Deno may keep its files.</param>
    public static async Task<DenoProgram> StartAsync(string database, string folder)
    {
        var start = new ProcessStartInfo(Path!, ["run", "--allow-all", "--unstable-kv", "--no-config", System.IO.Path.Combine(AppContext.BaseDirectory, Program), database])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["DENO_DIR"] = folder;
        start.Environment["DENO_NO_UPDATE_CHECK"] = "1";
        start.Environment["DENO_KV_ACCESS_TOKEN"] = "nobody is asked for one";
        var program = new DenoProgram(Process.Start(start)!);
        await program.ExpectAsync("ready");
        return program;
    }

    /// <summary>Does an operation so often, so many at once.</summary>
    public async Task RunAsync(string operation, int callers, int count)
    {
        await _process.StandardInput.WriteLineAsync($"{operation} {callers} {count}");
        await _process.StandardInput.FlushAsync();
        await ExpectAsync("done");
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task ExpectAsync(string expected)
    {
        string? line = await _process.StandardOutput.ReadLineAsync();
        if (line != expected) throw new InvalidOperationException($"The program of Deno's said '{line}' instead of '{expected}'.");
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("STRATA_DENO") is { Length: > 0 } named) return named;
        string? onPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator).Select(p => System.IO.Path.Combine(p, "deno")).FirstOrDefault(File.Exists);
        if (onPath is not null) return onPath;
        string? root = AppContext.BaseDirectory;
        while (root is not null && !File.Exists(System.IO.Path.Combine(root, "Strata.slnx"))) root = System.IO.Path.GetDirectoryName(root);
        if (root is null) return null;
        string installed = System.IO.Path.Combine(root, "artifacts", "node", "node_modules", "@deno");
        return Directory.Exists(installed) ? Directory.GetFiles(installed, "deno", SearchOption.AllDirectories).FirstOrDefault() : null;
    }
}
