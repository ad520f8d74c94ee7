using Strata.S3;

namespace Strata.Backends.Tests;

/// <summary>A Ceph of one node: servers/ceph.sh installs, starts and stops it. In the long form its objects are on a disk, where there is room for large ones.</summary>
public sealed class CephServer : S3Server, IKillableServer
{
    private readonly ServerScript _script = new("ceph");

    public override string KeyId => "strata-test-key";

    public override string Secret => "strata-test-secret";

    public override S3Provider Provider => S3Provider.Ceph;

    /// <summary>The gateway alone: its objects are with the other processes.</summary>
    public Task KillAsync() => _script.KillAsync();

    public Task ReviveAsync() => _script.ReviveAsync();

    public Task SavedAsync() => Task.CompletedTask;

    protected override async Task StartAsync() => Endpoint = await (LongForm.IsOn ? _script.StartAsync("24") : _script.StartAsync());

    protected override Task StopAsync() => _script.StopAsync();
}
