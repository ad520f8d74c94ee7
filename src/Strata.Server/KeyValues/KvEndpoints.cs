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
/// KV databases over HTTP, by KV Connect and by what Strata has beyond it (<see cref="KvOwnCalls"/>). <c>/_kv/{name}</c> is for
/// clients, who show a token of the database; <c>/_strata/v1/kv/{name}</c> is the same for the command line, with the limits of
/// an embedded database; the listing of both is <c>/_strata/v1/kv</c>.
/// </summary>
internal static class KvEndpoints
{
    /// <summary>Where clients find their databases: no bucket's name begins so.</summary>
    public const string ClientPath = "/_kv";

    private const string AdminPath = "/_strata/v1/kv";

    private static readonly string[] AllMethods = [HttpMethods.Get, HttpMethods.Head, HttpMethods.Post, HttpMethods.Put, HttpMethods.Patch, HttpMethods.Delete];

    /// <summary>How long clients keep what they were told of a database; they ask again before.</summary>
    private static readonly TimeSpan MetadataLife = TimeSpan.FromHours(1);

    /// <summary>Maps the routes, if there is a catalog of databases.</summary>
    public static void MapKeyValues(this IEndpointRouteBuilder routes, ServedStores served)
    {
        if (served.Catalog is not { KeyValues: { } databases }) return;
        CancellationToken stopping = routes.ServiceProvider.GetService<IHostApplicationLifetime>()?.ApplicationStopping ?? CancellationToken.None;
        MapCalls(ClientPath, new KvCalls(served, databases, isAdmin: false, stopping), EndpointAccess.Database);
        MapCalls(AdminPath, new KvCalls(served, databases, isAdmin: true, stopping), EndpointAccess.Admin);
        routes.MapMethods(AdminPath, [HttpMethods.Get], http =>
        {
            AdminEndpoints.KeepPrivate(http.Response);
            return BlobEndpoints.AnswerAsync(http, 200, [.. databases.List()], AdminJson.Context.StringArray);
        }).WithMetadata(EndpointAccess.Admin);

        void MapCalls(string path, KvCalls calls, EndpointAccess access)
        {
            var wire = new KvWire(calls);
            Map(HttpMethods.Post, "", http => TellAsync(http, calls));
            Map(HttpMethods.Post, "/" + Protocol.SnapshotRead, wire.ReadAsync);
            Map(HttpMethods.Post, "/" + Protocol.AtomicWrite, wire.WriteAsync);
            Map(HttpMethods.Post, "/" + Protocol.Watch, wire.WatchAsync);

            var own = new KvOwnCalls(calls);
            Map(HttpMethods.Get, "/count", own.CountAsync);
            Map(HttpMethods.Delete, "/entries", own.DeleteAsync);
            Map(HttpMethods.Get, "/queue", own.TellAsync);
            Map(HttpMethods.Post, "/queue", own.EnqueueAsync);
            Map(HttpMethods.Post, "/queue/take", own.TakeAsync);
            Map(HttpMethods.Post, "/queue/keep", own.KeepAsync);
            Map(HttpMethods.Post, "/queue/done", own.EndAsync);
            Map(HttpMethods.Post, "/queue/fail", own.FailAsync);

            // Else S3 would take it for an object's name.
            routes.MapMethods(path + "/{name}/{**call}", AllMethods, http => calls.RunAsync(http, _ => KvCalls.RefuseAsync(http, StatusCodes.Status404NotFound, "A KV database has no such call, or not by this method."))).WithMetadata(access);

            void Map(string method, string call, RequestDelegate handler) => routes.MapMethods(path + "/{name}" + call, [method], handler).WithMetadata(access);
        }
    }

    /// <summary>The database's id: a UUID that is the same after every restart.</summary>
    public static Guid IdOf(string name) => new(SHA256.HashData(Encoding.UTF8.GetBytes("Strata KV database " + name)).AsSpan(0, 16));

    /// <summary>Tells a client where the database is. The token of the data path is the one that was shown: it outlives a restart, and ends with it.</summary>
    private static Task TellAsync(HttpContext http, KvCalls calls) => calls.RunAsync(http, async name =>
    {
        if (await calls.TryReadAsync(http, KvRequests.MaxMetadataBytes) is not { } body) return;
        int version = KvRequests.ReadVersion(body);
        string path = http.Request.PathBase + http.Request.Path.Value!.TrimEnd('/');
        string url = version == Protocol.LowestVersion ? $"{http.Request.Scheme}://{http.Request.Host}{path}" : path;
        var answer = new MetadataAnswer(
            version,
            IdOf(name).ToString(),
            [new MetadataEndpoint(url, Protocol.Strong)],
            KvTokens.ShownBy(http.Request) ?? "none",
            (calls.Clock.GetUtcNow() + MetadataLife).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        http.Response.Headers[Protocol.StrataHeader] = "1";
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-store";
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(answer, MetadataJson.Default.MetadataAnswer);
        http.Response.ContentLength = json.Length;
        await http.Response.Body.WriteAsync(json, http.RequestAborted);
    });
}
