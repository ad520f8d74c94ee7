using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Strata.Server;

/// <summary>A running server over some stores, which it does not own: dispose the server first, then the stores.</summary>
public sealed class StrataServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ServedStores _served;
    private readonly IDisposable? _telemetry;

    private StrataServer(WebApplication app, ServedStores served, Uri address, IDisposable? telemetry)
    {
        _app = app;
        _served = served;
        Address = address;
        _telemetry = telemetry;
    }

    /// <summary>Where it listens, with the real port.</summary>
    public Uri Address { get; }

    /// <summary>Everything that is mapped.</summary>
    internal IReadOnlyList<Microsoft.AspNetCore.Http.Endpoint> Endpoints =>
        _app.Services.GetRequiredService<Microsoft.AspNetCore.Routing.EndpointDataSource>().Endpoints;

    /// <summary>Starts a server over a catalog's stores, and announces it in the catalog's folder.</summary>
    /// <inheritdoc cref="StartAsync(IReadOnlyDictionary{string, IBlobStore}, StrataServerOptions, StoreContext?, CancellationToken)"/>
    public static async Task<StrataServer> StartAsync(
        StoreCatalog catalog, StrataServerOptions options, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        StrataServer server = await StartAsync(catalog.Stores, options, context, cancellationToken);
        catalog.Folder.Announce(server.Address);
        return server;
    }

    /// <summary>Starts a server; when the call completes it accepts connections.</summary>
    /// <exception cref="StrataConfigurationException">Listen is no loopback address, or somebody else uses the port; or the access log cannot be opened.</exception>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public static async Task<StrataServer> StartAsync(
        IReadOnlyDictionary<string, IBlobStore> stores, StrataServerOptions options, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stores);
        ArgumentNullException.ThrowIfNull(options);
        ListenAddress listen = ListenAddress.Parse(options.Listen);
        context ??= StoreContext.Default;
        var served = new ServedStores(stores, options, context);
        WebApplication app = Build(listen, options, context);
        try
        {
            app.UseRouting();
            app.MapStrata(served);
            await app.StartAsync(cancellationToken);
            string bound = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            return new StrataServer(app, served, new Uri(bound), Telemetry.Start(context));
        }
        catch (Exception e)
        {
            await app.DisposeAsync();
            await served.DisposeAsync();
            if (e is IOException or SocketException)
                throw new StrataConfigurationException(nameof(options.Listen), $"cannot listen on {options.Listen}: {e.GetBaseException().Message}.", e);
            throw;
        }
    }

    /// <summary>Completes when the process is asked to end (SIGINT, SIGTERM) or the token is cancelled, and requests under way have finished.</summary>
    public Task WaitForShutdownAsync(CancellationToken cancellationToken = default) => _app.WaitForShutdownAsync(cancellationToken);

    /// <summary>Stops accepting, lets requests under way finish within <see cref="StrataServerOptions.DrainTimeout"/>, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        await _served.DisposeAsync();
        _telemetry?.Dispose();
    }

    private static WebApplication Build(ListenAddress listen, StrataServerOptions options, StoreContext context)
    {
        // The empty builder reads neither files nor environment: what the server does is what its options say.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(context.Loggers);
        builder.Services.AddSingleton(context.Clock);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.DrainTimeout);
        builder.Services.Configure<ConsoleLifetimeOptions>(console => console.SuppressStatusMessages = true);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Configure(kestrel, listen, options));
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = endpoint => StalledReaders.Limited(endpoint, options));
        return builder.Build();
    }

    private static void Configure(KestrelServerOptions kestrel, ListenAddress listen, StrataServerOptions options)
    {
        kestrel.AddServerHeader = false;
        KestrelServerLimits limits = kestrel.Limits;
        limits.MaxConcurrentConnections = options.MaxConnections;
        limits.MaxConcurrentUpgradedConnections = 0;
        limits.MaxRequestHeadersTotalSize = options.MaxHeaderBytes;
        limits.MaxRequestLineSize = Math.Min(options.MaxHeaderBytes, 16 << 10);

        // An endpoint that takes objects raises it for itself.
        limits.MaxRequestBodySize = options.MaxXmlBytes;
        limits.KeepAliveTimeout = options.KeepAliveTimeout;
        limits.RequestHeadersTimeout = options.HeaderTimeout;
        MinDataRate? slowest = options.MinBytesPerSecond == 0 ? null : new MinDataRate(options.MinBytesPerSecond, options.SlowGrace);
        limits.MinRequestBodyDataRate = slowest;
        limits.MinResponseDataRate = slowest;
        kestrel.Listen(listen.EndPoint, endpoint => endpoint.Protocols = HttpProtocols.Http1);
    }
}
