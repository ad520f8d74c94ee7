using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Strata.KvConnect;

namespace Strata.Server;

/// <summary>
/// KV databases over HTTP, by KV Connect. <c>/_kv/{name}</c> is for its clients, who show a token of the database;
/// <c>/_strata/v1/kv/{name}</c> is the same for the command line, with the limits of an embedded database; the listing of
/// both is <c>/_strata/v1/kv</c>.
/// </summary>
internal static class KvEndpoints
{
    /// <summary>Where clients find their databases: no bucket's name begins so.</summary>
    public const string ClientPath = "/_kv";

    private const string AdminPath = "/_strata/v1/kv";

    /// <summary>How long clients keep what they were told of a database; they ask again before.</summary>
    private static readonly TimeSpan MetadataLife = TimeSpan.FromHours(1);

    /// <summary>Maps the routes, if there is a catalog of databases.</summary>
    public static void MapKeyValues(this IEndpointRouteBuilder routes, ServedStores served)
    {
        if (served.Catalog is not { KeyValues: { } databases }) return;
        CancellationToken stopping = routes.ServiceProvider.GetService<IHostApplicationLifetime>()?.ApplicationStopping ?? CancellationToken.None;
        MapWire(ClientPath, KvLimits.Deno, EndpointAccess.Database);
        MapWire(AdminPath, KvLimits.Embedded, EndpointAccess.Admin);
        routes.MapMethods(AdminPath, [HttpMethods.Get], http =>
        {
            AdminEndpoints.KeepPrivate(http.Response);
            return BlobEndpoints.AnswerAsync(http, 200, [.. databases.List()], AdminJson.Context.StringArray);
        }).WithMetadata(EndpointAccess.Admin);

        void MapWire(string path, KvLimits limits, EndpointAccess access)
        {
            var wire = new KvWire(databases, limits, served.Context.Clock, stopping);
            Map("", http => TellAsync(http, served.Context.Clock));
            Map("/" + Protocol.SnapshotRead, wire.ReadAsync);
            Map("/" + Protocol.AtomicWrite, wire.WriteAsync);
            Map("/" + Protocol.Watch, wire.WatchAsync);

            void Map(string call, RequestDelegate handler) => routes.MapMethods(path + "/{name}" + call, [HttpMethods.Post], handler).WithMetadata(access);
        }
    }

    /// <summary>The database's id: a UUID that is the same after every restart.</summary>
    public static Guid IdOf(string name) => new(SHA256.HashData(Encoding.UTF8.GetBytes("Strata KV database " + name)).AsSpan(0, 16));

    /// <summary>Tells a client where the database is. The token of the data path is the one that was shown: it outlives a restart, and ends with it.</summary>
    private static async Task TellAsync(HttpContext http, TimeProvider clock)
    {
        if (await KvWire.TryReadAsync(http, 4 << 10) is not { } body) return;
        MetadataRequest? request;
        try
        {
            request = body.IsEmpty ? new MetadataRequest([1]) : JsonSerializer.Deserialize(body.Span, MetadataJson.Default.MetadataRequest);
        }
        catch (JsonException)
        {
            await KvWire.RefuseAsync(http, StatusCodes.Status400BadRequest, "The body must be {\"supportedVersions\":[1,2,3]}.");
            return;
        }

        int version = request?.SupportedVersions is { } versions ? versions.Where(v => v is >= Protocol.LowestVersion and <= Protocol.HighestVersion).DefaultIfEmpty().Max() : Protocol.LowestVersion;
        if (version == 0)
        {
            await KvWire.RefuseAsync(http, StatusCodes.Status400BadRequest, "This server speaks versions 1 to 3 of KV Connect, and the client none of them.");
            return;
        }

        string path = http.Request.PathBase + http.Request.Path.Value!.TrimEnd('/');
        string url = version == Protocol.LowestVersion ? $"{http.Request.Scheme}://{http.Request.Host}{path}" : path;
        var answer = new MetadataAnswer(
            version,
            IdOf((string)http.Request.RouteValues["name"]!).ToString(),
            [new MetadataEndpoint(url, Protocol.Strong)],
            KvTokens.ShownBy(http.Request) ?? "none",
            (clock.GetUtcNow() + MetadataLife).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        http.Response.Headers[Protocol.StrataHeader] = "1";
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-store";
        await http.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(answer, MetadataJson.Default.MetadataAnswer), http.RequestAborted);
    }
}
