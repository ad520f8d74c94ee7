using Strata.Reliability;
using Strata.S3;

namespace Strata.Backends.Tests;

/// <summary>Our own server as a process of its own, <c>strata serve</c>, over a folder on the disk. It asks nobody for a key.</summary>
public sealed class ServedStrata : S3Server, IKillableServer
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"strata-served-{Guid.NewGuid():n}");
    private ServeProcess? _process;

    public override string KeyId => "nobody";

    public override string Secret => "asks/for+a=key/of+anybody/0123456789abcd";

    public override S3Provider Provider => S3Provider.Strata;

    public Task KillAsync() => _process!.KillAsync();

    public async Task ReviveAsync()
    {
        _process!.Dispose();
        _process = await ServeProcess.StartAsync(_folder, $"127.0.0.1:{Endpoint.Port}");
    }

    public Task SavedAsync() => Task.CompletedTask;

    protected override async Task StartAsync()
    {
        Directory.CreateDirectory(_folder);
        _process = await ServeProcess.StartAsync(_folder);
        Endpoint = _process.Address;
    }

    protected override Task StopAsync()
    {
        _process?.Dispose();
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }
}
