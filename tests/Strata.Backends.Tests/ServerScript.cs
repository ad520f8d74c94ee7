using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>A script of <c>servers/</c>, and the private folder in which it runs its server.</summary>
/// <param name="name">The script's, without its ending.</param>
internal sealed class ServerScript(string name)
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"strata-{name}-{Guid.NewGuid():n}");

    /// <summary>Installs what is missing and starts the server, which ends with this process at the latest.</summary>
    /// <param name="options">The script's own.</param>
    /// <returns>Where it is.</returns>
    public async Task<Uri> StartAsync(params string[] options)
    {
        await RunAsync("install");
        await RunAsync(["start", _folder, Environment.ProcessId.ToString(CultureInfo.InvariantCulture), .. options]);
        return new Uri((await File.ReadAllTextAsync(Path.Combine(_folder, "endpoint"))).Trim());
    }

    /// <summary>kill -9: nothing is flushed, nobody is told. Returns when nobody listens any more.</summary>
    public Task KillAsync() => RunAsync("kill", _folder);

    /// <summary>Starts what was killed, on the same port.</summary>
    public Task ReviveAsync() => RunAsync("revive", _folder);

    public Task StopAsync() => RunAsync("stop", _folder);

    /// <summary>A file in the server's folder.</summary>
    public string PathOf(string file) => Path.Combine(_folder, file);

    private async Task RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "servers", $"{name}.sh"));
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        string errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{name}.sh {arguments[0]}: {errors}");
    }
}
