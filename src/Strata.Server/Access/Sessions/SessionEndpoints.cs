using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace Strata.Server;

/// <summary>
/// Signing in to the page: <c>/_strata/v1/session</c> takes POST of <c>{"id","secret"}</c> of an admin key, which sets
/// the cookie, DELETE, which takes it back, and GET; all answer with a <see cref="SessionWire"/>.
/// </summary>
internal sealed class SessionEndpoints(ServedStores served, Sessions sessions)
{
    /// <summary>Attempts of an address that may fail at once; one more may each time that as many have passed since as fit into a minute.</summary>
    internal const int MaxFailures = 10;

    private const int MaxBytes = 4096;

    private readonly TokenBuckets _attempts = new(MaxFailures, TimeSpan.FromMinutes(1), served.Options.MaxRateCounters, served.Context.Clock);

    /// <summary>Maps the routes.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        MapOne(HttpMethods.Get, http => AnswerAsync(http, sessions.Find(http.Request)));
        MapOne(HttpMethods.Post, SignInAsync);
        MapOne(HttpMethods.Delete, http =>
        {
            sessions.End(http);
            return AnswerAsync(http, null);
        });

        void MapOne(string method, RequestDelegate handler) => routes.MapMethods("/_strata/v1/session", [method], http =>
        {
            AdminEndpoints.KeepPrivate(http.Response);
            return handler(http);
        }).WithMetadata(EndpointAccess.Open);
    }

    private async Task SignInAsync(HttpContext http)
    {
        IPAddress? address = http.Connection.RemoteIpAddress;
        if (!http.Request.IsHttps && (address is null || !IPAddress.IsLoopback(address)))
        {
            await RefuseAsync(http, 403, "Signing in would send the secret over the network as it is. Let the server use TLS, or reach it through a tunnel to its own machine.");
            return;
        }

        if (await ReadAsync(http) is not { } given)
        {
            await RefuseAsync(http, 400, """The body must be the JSON {"id":"…","secret":"…"}.""", ErrorWire.Argument);
            return;
        }

        if (!served.Options.Access.IsRequired)
        {
            await AnswerAsync(http, null);
            return;
        }

        // An attempt counts as failed until it has not: many at once are no more than many.
        string client = ClientName.Of(address);
        if (!_attempts.TryTake(client))
        {
            http.Response.Headers.RetryAfter = "60";
            await RefuseAsync(http, 429, $"There were {MaxFailures} failed attempts within a minute. Try again in a minute.");
            return;
        }

        if (!sessions.TryVerify(given.Id, given.Secret, out AccessKey? key))
        {
            await RefuseAsync(http, 401, "There is no access key of this id and secret.");
            return;
        }

        _attempts.GiveBack(client);
        if (!new AccessPrincipal(key.Id, key.Grants).IsAdmin)
        {
            await RefuseAsync(http, 403, $"The access key {key.Id} is no admin key: it may use S3 alone. An admin key has the right all:*.");
            return;
        }

        sessions.Begin(http, key);
        await AnswerAsync(http, key);
    }

    private static async ValueTask<SignInWire?> ReadAsync(HttpContext http)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = MaxBytes;
        try
        {
            return await JsonSerializer.DeserializeAsync(http.Request.Body, AdminJson.Context.SignInWire, http.RequestAborted);
        }
        catch (Exception e) when (e is JsonException or BadHttpRequestException)
        {
            return null;
        }
    }

    private Task AnswerAsync(HttpContext http, AccessKey? key) => BlobEndpoints.AnswerAsync(
        http, 200, new SessionWire(served.Options.Access.IsRequired, key is null ? null : key.Name.Length > 0 ? key.Name : key.Id), AdminJson.Context.SessionWire);

    private static Task RefuseAsync(HttpContext http, int status, string message, string kind = nameof(StorageErrorKind.AccessDenied)) =>
        BlobEndpoints.AnswerAsync(http, status, new ErrorWire(kind, WriteOutcome.NotApplied, message, IsTransient: status == 429), BlobWire.Context.ErrorWire);
}
