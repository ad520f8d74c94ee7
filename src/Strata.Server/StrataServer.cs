using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Strata.Server;

/// <summary>A running server over some stores, which it does not own: dispose the server first, then the stores.</summary>
public sealed class StrataServer : IAsyncDisposable
{
    /// <summary>Requests at once on one connection of HTTP/2, watches among them; more wait with the client.</summary>
    internal const int StreamsPerConnection = 256;

    private readonly WebApplication _app;
    private readonly ServedStores _served;
    private readonly ServerCertificate? _certificate;
    private readonly IDisposable? _telemetry;

    private StrataServer(WebApplication app, ServedStores served, Uri address, ServerCertificate? certificate, IDisposable? telemetry)
    {
        _app = app;
        _served = served;
        Address = address;
        _certificate = certificate;
        _telemetry = telemetry;
    }

    /// <summary>Where this machine reaches it, with the real port: a loopback address if it listens on all of them.</summary>
    public Uri Address { get; }

    /// <summary>Everything that is mapped.</summary>
    internal IReadOnlyList<Microsoft.AspNetCore.Http.Endpoint> Endpoints =>
        _app.Services.GetRequiredService<Microsoft.AspNetCore.Routing.EndpointDataSource>().Endpoints;

    /// <summary>
    /// Starts a server over a catalog's stores with the access keys of its folder, besides those of the options, and announces
    /// it there for the command line.
    /// </summary>
    /// <inheritdoc cref="StartAsync(IReadOnlyDictionary{string, IBlobStore}, StrataServerOptions, StoreContext?, CancellationToken)"/>
    /// <exception cref="StorageException">The folder's access keys are damaged or cannot be read.</exception>
    public static async Task<StrataServer> StartAsync(
        StoreCatalog catalog, StrataServerOptions options, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(options);
        StrataServer server = await StartAsync(catalog.Stores, catalog, options.WithFolder(catalog.Folder, context), context, cancellationToken);
        try
        {
            if (server._certificate is { } certificate) certificate.AnnounceTo(prints => catalog.Folder.Announce(server.Address, prints));
            else catalog.Folder.Announce(server.Address);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a server; when the call completes it accepts connections.</summary>
    /// <exception cref="StrataConfigurationException">
    /// Listen reaches beyond loopback without access keys, the port is in use, the certificate or sealing key is of no use, or
    /// the access log cannot be opened.
    /// </exception>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public static Task<StrataServer> StartAsync(
        IReadOnlyDictionary<string, IBlobStore> stores, StrataServerOptions options, StoreContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stores);
        ArgumentNullException.ThrowIfNull(options);
        return StartAsync(stores, null, options, context, cancellationToken);
    }

    /// <summary>Completes when the process is asked to end (SIGINT, SIGTERM) or the token is cancelled, and requests under way have finished.</summary>
    public Task WaitForShutdownAsync(CancellationToken cancellationToken = default) => _app.WaitForShutdownAsync(cancellationToken);

    /// <summary>Stops accepting, lets requests under way finish within <see cref="StrataServerOptions.DrainTimeout"/>, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        await _served.DisposeAsync();
        _certificate?.Dispose();
        _telemetry?.Dispose();
    }

    private static async Task<StrataServer> StartAsync(
        IReadOnlyDictionary<string, IBlobStore> stores, StoreCatalog? catalog, StrataServerOptions options, StoreContext? context, CancellationToken cancellationToken)
    {
        ListenAddress listen = ListenAddress.Parse(options.Listen);
        listen.RequireKeysBeyondLoopback(options.Access);
        context ??= StoreContext.Default;
        var served = new ServedStores(stores, options, context) { Catalog = catalog };
        ServerCertificate? certificate = null;
        WebApplication? app = null;
        try
        {
            certificate = options.Tls is null ? null : new ServerCertificate(options.Tls, context);
            app = Build(listen, options, certificate, context);
            if (options.MinBytesPerSecond > 0) app.Use(next => http => HttpProtocol.IsHttp2(http.Request.Protocol) ? StalledStreams.RunAsync(http, next, options, context.Clock) : next(http));
            app.Use(next => http => IsForObjects(http.Request.Path.Value) ? served.Objects!(http) : next(http));
            app.UseRouting();
            app.MapStrata(served);
            await app.StartAsync(cancellationToken);
            string bound = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Last();
            return new StrataServer(app, served, listen.ReachableAt(certificate is not null, new Uri(bound).Port), certificate, Telemetry.Start(context));
        }
        catch (Exception e)
        {
            if (app is not null) await app.DisposeAsync();
            await served.DisposeAsync();
            certificate?.Dispose();
            if (e is IOException or SocketException)
                throw new StrataConfigurationException(nameof(options.Listen), $"cannot listen on {options.Listen}: {e.GetBaseException().Message}.", e);
            throw;
        }
    }

    /// <summary>
    /// True for what routing would bring to S3 anyway, as all other routes begin with one of two words: looking a route up costs as
    /// much as all else that a small read does here. Routes do not heed case.
    /// </summary>
    private static bool IsForObjects(string? path) =>
        path is not ['/', '_', ..] || !(path.StartsWith(ServedStores.OwnPath, StringComparison.OrdinalIgnoreCase) || path.StartsWith(KvEndpoints.ClientPath + "/", StringComparison.OrdinalIgnoreCase));

    private static WebApplication Build(ListenAddress listen, StrataServerOptions options, ServerCertificate? certificate, StoreContext context)
    {
        // The empty builder reads neither files nor environment: what the server does is what its options say.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(context.Loggers);
        builder.Services.AddSingleton(context.Clock);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.DrainTimeout);
        builder.Services.Configure<ConsoleLifetimeOptions>(console => console.SuppressStatusMessages = true);
        PriorKnowledge? priorKnowledge = certificate is null ? new PriorKnowledge(options, context.Clock) : null;
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Configure(kestrel, listen, options, certificate, priorKnowledge));
        if (priorKnowledge is not null) builder.Services.AddSingleton<IConnectionListenerFactory>(priorKnowledge);
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = endpoint => StalledReaders.Limited(endpoint, options));
        return builder.Build();
    }

    private static void Configure(KestrelServerOptions kestrel, ListenAddress listen, StrataServerOptions options, ServerCertificate? certificate, PriorKnowledge? priorKnowledge)
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

        // What a connection of HTTP/1.1 has for itself, the streams of one of HTTP/2 share: bytes received and not yet taken (the
        // windows) among them. Streams that were reset count until their requests have ended, twice as many at most: who
        // resets more is told to calm down, and then cut off.
        limits.Http2.MaxStreamsPerConnection = StreamsPerConnection;
        limits.Http2.MaxRequestHeaderFieldSize = options.MaxHeaderBytes;
        limits.Http2.InitialConnectionWindowSize = 1 << 20;
        limits.Http2.InitialStreamWindowSize = 512 << 10;

        // First, so that it is there when the first connection is.
        priorKnowledge?.AddTo(kestrel);
        if (listen.EndPoint.Address.Equals(IPAddress.IPv6Any)) kestrel.ListenAnyIP(listen.EndPoint.Port, ConfigureEndPoint);
        else kestrel.Listen(listen.EndPoint, ConfigureEndPoint);

        void ConfigureEndPoint(ListenOptions endpoint)
        {
            if (priorKnowledge is not null) endpoint.Use(priorKnowledge.Beside);
            endpoint.Protocols = certificate is null ? HttpProtocols.Http1 : HttpProtocols.Http1AndHttp2;
            if (certificate is null) return;
            endpoint.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => new(certificate.Authentication),
                HandshakeTimeout = options.HeaderTimeout,
            });

            // Below encryption, where it is known what was agreed upon.
            endpoint.Use(next => connection =>
                connection.Features.Get<ITlsApplicationProtocolFeature>()?.ApplicationProtocol.Span.SequenceEqual(SslApplicationProtocol.Http2.Protocol.Span) == true ? PromptAcknowledgement.RunAsync(connection, next) : next(connection));
        }
    }
}
