using Amazon.Runtime;
using Amazon.S3;
using Microsoft.Extensions.Configuration;

namespace Strata.Server.Tests;

/// <summary>A real server on a free port, over the default stores (memory over disk over disk) in a folder of its own.</summary>
public sealed class RunningServer : IAsyncDisposable
{
    private readonly StoreCatalog _catalog;

    private RunningServer(string folder, StoreCatalog catalog, StrataServer server)
    {
        Folder = folder;
        _catalog = catalog;
        Server = server;
        Http = new HttpClient { BaseAddress = server.Address };
    }

    public string Folder { get; }

    public StrataServer Server { get; }

    public HttpClient Http { get; }

    /// <summary>The data folder's.</summary>
    public string Token => _catalog.Folder.Token;

    public IBlobStore Store => StoreOf("main");

    public IBlobStore Other => StoreOf("other");

    public IBlobStore StoreOf(string name) => _catalog.Stores[name];

    /// <summary>A database of the data folder, which is made if there is none.</summary>
    public async Task<Kv> DatabaseAsync(string name) => new(await _catalog.KeyValues.OpenAsync(name));

    /// <param name="options">The server's; null for the defaults.</param>
    /// <param name="context">Clock and loggers; null for the defaults.</param>
    /// <param name="settings">Further settings, such as of more stores.</param>
    public static Task<RunningServer> StartAsync(StrataServerOptions? options = null, StoreContext? context = null, params (string Name, string Value)[] settings) =>
        OpenAsync(Directory.CreateTempSubdirectory("strata-s3-").FullName, options, context, settings);

    /// <summary>Stops this server and starts another one over the same folder.</summary>
    public async Task<RunningServer> RestartAsync(StrataServerOptions? options = null, params (string Name, string Value)[] settings)
    {
        await StopAsync();
        return await OpenAsync(Folder, options, null, settings);
    }

    /// <summary>The same, at the same address.</summary>
    public async Task<RunningServer> RestartInPlaceAsync(StrataServerOptions options)
    {
        await StopAsync();
        return await OpenAsync(Folder, options, null, [], Server.Address.Authority);
    }

    private static async Task<RunningServer> OpenAsync(string folder, StrataServerOptions? options, StoreContext? context, (string Name, string Value)[] settings, string listen = "127.0.0.1:0")
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>(settings.ToDictionary(s => s.Name, s => (string?)s.Value))
        {
            ["Strata:Stores:main:Tiers:0:Name"] = "hot",
            ["Strata:Stores:main:Tiers:0:Url"] = "memory:",
            ["Strata:Stores:main:Tiers:0:MaxBytes"] = "32MiB",
            ["Strata:Stores:main:Tiers:1:Name"] = "cold",
            ["Strata:Stores:main:Tiers:1:Url"] = $"file:{folder}/cold",
            ["Strata:Stores:other:Tiers:0:Name"] = "cold",
            ["Strata:Stores:other:Tiers:0:Url"] = $"file:{folder}/other",
        }).Build();
        StoreCatalog catalog = await StoreCatalog.OpenAsync(StrataSettings.Read(configuration, folder));
        StrataServer server = await StrataServer.StartAsync(catalog, (options ?? new()) with { Listen = listen }, context);
        return new RunningServer(folder, catalog, server);
    }

    /// <summary>The AWS SDK as it comes: nothing is set but where the server is.</summary>
    public AmazonS3Client CreateClient(string id = "any", string secret = "thing") => new(
        new BasicAWSCredentials(id, secret),
        new AmazonS3Config { ServiceURL = Server.Address.ToString(), ForcePathStyle = true, AuthenticationRegion = "us-east-1" });

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task StopAsync()
    {
        Http.Dispose();
        await Server.DisposeAsync();
        await _catalog.DisposeAsync();
    }
}
