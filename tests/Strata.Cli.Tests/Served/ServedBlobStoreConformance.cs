using Strata.Server;
using Strata.Testing;

namespace Strata.Cli.Tests;

/// <summary>The contract holds through the server as it does beside the store.</summary>
[ConformanceOf(typeof(ServedBlobStore))]
public class ServedBlobStoreConformance : BlobStoreConformance
{
    private const string Name = "main";

    private IBlobStore? _inner;
    private StrataServer? _server;
    private ServedConnection? _connection;

    protected override async ValueTask<IBlobStore> OpenAsync(StoreContext context)
    {
        _inner = await OpenInnerAsync(context);
        var stores = new Dictionary<string, IBlobStore> { [Name] = _inner };
        var options = new StrataServerOptions { Listen = "127.0.0.1:0", MaxHeaderBytes = 256 * 1024 };
        _server = await StrataServer.StartAsync(stores, options);
        _connection = new ServedConnection(_server.Address, "token");
        return await ServedBlobStore.OpenAsync(_connection, Name, CancellationToken.None);
    }

    protected virtual ValueTask<IBlobStore> OpenInnerAsync(StoreContext context) => new(new MemoryBlobStore(new MemoryBlobStoreOptions(), context));

    protected override async ValueTask CleanUpAsync()
    {
        _connection?.Dispose();
        if (_server is not null) await _server.DisposeAsync();
        if (_inner is not null) await _inner.DisposeAsync();
    }
}
