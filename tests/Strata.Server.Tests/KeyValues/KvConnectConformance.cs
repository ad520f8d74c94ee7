using Microsoft.Extensions.Configuration;
using Strata.KvConnect;
using Strata.Testing;

namespace Strata.Server.Tests;

/// <summary>The promises of the KV contract, kept by our client over the wire to our server over a folder.</summary>
[ConformanceOf(typeof(KvConnectDatabase))]
public sealed class KvConnectConformance : KvDatabaseConformance
{
    private readonly string _folder = Directory.CreateTempSubdirectory("strata-kv-").FullName;
    private StoreCatalog? _catalog;
    private StrataServer? _server;
    private DiskKvDatabase? _served;

    protected override async ValueTask<IKvDatabase> OpenAsync(StoreContext context)
    {
        if (_server is null)
        {
            // The database alone is to see the suite's clock: what else there is has timers, which would go off millions of times where years pass.
            var urls = new StoreUrlRegistry();
            var options = new DiskKvDatabaseOptions { Path = Path.Combine(_folder, "app"), Name = "app", Durability = DiskDurability.OperatingSystem };
            urls.RegisterKv("suite:", async (_, _, cancellationToken) => await DiskKvDatabase.OpenAsync(options, context, cancellationToken));
            IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Strata:Kv:app", "suite:")]).Build();
            _catalog = await StoreCatalog.OpenAsync(StrataSettings.Read(configuration, _folder), urls);
            _server = await StrataServer.StartAsync(_catalog, new StrataServerOptions { Listen = "127.0.0.1:0" });
            _served = (DiskKvDatabase)await _catalog.KeyValues.OpenAsync("app");
        }

        return await KvConnectDatabase.OpenAsync(new KvConnectOptions { Url = new Uri(_server.Address, "/_kv/app"), AccessToken = "nobody-is-asked" }, context);
    }

    protected override int CountWatches(IKvDatabase database) => (int)_served!.GetStatistics().Watches;

    protected override async ValueTask CleanUpAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        if (_catalog is not null) await _catalog.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
