using System.Diagnostics;
using System.Text.Json;
using Strata.Reliability;
using Strata.S3;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>Our own server as a process of its own, <c>strata serve</c>, over a folder on the disk.</summary>
public sealed class ServedStrata : S3Server, IKillableServer
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"strata-served-{Guid.NewGuid():n}");
    private ServeProcess? _process;
    private string _secret = "";

    public override string KeyId => "AKIASTRATASERVED";

    public override string Secret => _secret;

    public override S3Provider Provider => S3Provider.Strata;

    private string DataFolder => Path.Combine(_folder, "data");

    private Dictionary<string, string> Settings => new() { ["STRATA_SEALING_KEY_FILE"] = Path.Combine(_folder, "sealing.key") };

    public Task KillAsync() => _process!.KillAsync();

    public async Task ReviveAsync()
    {
        _process!.Dispose();
        _process = await ServeProcess.StartAsync(DataFolder, $"127.0.0.1:{Endpoint.Port}", Settings);
    }

    public Task SavedAsync() => Task.CompletedTask;

    protected override async Task StartAsync()
    {
        Directory.CreateDirectory(_folder);
        _secret = await CreateKeyAsync();
        _process = await ServeProcess.StartAsync(DataFolder, environment: Settings);
        Endpoint = _process.Address;
    }

    protected override Task StopAsync()
    {
        _process?.Dispose();
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    /// <summary>A server without keys refuses whom it knows under another name, which a proxy before it is.</summary>
    private async Task<string> CreateKeyAsync()
    {
        string[] command = [Path.Combine(AppContext.BaseDirectory, "Strata.Cli.dll"), "access", "create", "--admin", "--id", KeyId, "--data", DataFolder, "--json"];
        var start = new ProcessStartInfo("dotnet", command) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach ((string name, string value) in Settings) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> printed = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        using JsonDocument key = JsonDocument.Parse(await printed);
        return key.RootElement.GetProperty("secret").GetString()!;
    }
}
