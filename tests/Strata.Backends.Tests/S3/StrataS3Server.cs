using Microsoft.Extensions.Configuration;
using Strata.S3;
using Strata.Server;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>Our own server, in this process, over folders in memory where the system has such.</summary>
public sealed class StrataS3Server : S3Server
{
    private string _folder = "";
    private StoreCatalog? _catalog;
    private StrataServer? _server;

    public override string KeyId => "AKIASTRATABACKENDS";

    public override string Secret => "s3cret/of+The=backends/0123456789abcdefg";

    public override S3Provider Provider => S3Provider.Strata;

    protected override async Task StartAsync()
    {
        string root = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        _folder = Directory.CreateDirectory(Path.Combine(root, $"strata-backends-{Guid.NewGuid():n}")).FullName;
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Strata:Buckets:Max"] = "10000" }).Build();
        _catalog = await StoreCatalog.OpenAsync(StrataSettings.Read(configuration, _folder));
        var key = new AccessKey { Id = KeyId, Secret = Secret, Grants = [AccessGrant.Everything] };
        _server = await StrataServer.StartAsync(_catalog, new StrataServerOptions { Listen = "127.0.0.1:0", Access = new AccessKeyRing(key) }, null);
        Endpoint = _server.Address;
    }

    protected override async Task StopAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        if (_catalog is not null) await _catalog.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
