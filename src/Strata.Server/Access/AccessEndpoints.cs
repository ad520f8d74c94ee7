using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace Strata.Server;

/// <summary>The access keys, for those who may administer the server.</summary>
/// <remarks>
/// <c>/_strata/v1/access</c> takes GET (all keys, never a secret) and POST (makes a key; its secret is in this one answer);
/// <c>/_strata/v1/access/{id}</c> takes DELETE (revokes it). Failures are those of the blob API.
/// </remarks>
internal static class AccessEndpoints
{
    private const string Root = "/_strata/v1/access";
    private const int MaxBodyBytes = 256 << 10;

    /// <summary>Maps the routes.</summary>
    public static void MapAccess(this IEndpointRouteBuilder routes, ServedStores served)
    {
        Map("GET", Root, http => BlobEndpoints.AnswerAsync(http, 200, List(served.Options), AccessWire.Context.IReadOnlyListAccessKeyWire));
        Map("POST", Root, http => CreateAsync(http, served.Options));
        Map("DELETE", Root + "/{id}", http => RevokeAsync(http, served.Options));

        void Map(string method, string path, RequestDelegate handler) => routes.MapMethods(path, [method], http =>
        {
            // A failure clears the headers, but not what is due when the response starts.
            http.Response.OnStarting(static state =>
            {
                IHeaderDictionary headers = ((HttpResponse)state).Headers;
                headers.CacheControl = "no-store";
                headers.XContentTypeOptions = "nosniff";
                return Task.CompletedTask;
            }, http.Response);
            return RunAsync(http, handler);
        }).WithMetadata(EndpointAccess.Admin);
    }

    private static IReadOnlyList<AccessKeyWire> List(StrataServerOptions options) =>
        options.KeyStore?.List() ?? [.. options.Access.Keys.Select(k => AccessKeyWire.Of(k, isConfigured: true))];

    private static async Task CreateAsync(HttpContext http, StrataServerOptions options)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = MaxBodyBytes;
        CreateAccessKeyWire request = await JsonSerializer.DeserializeAsync(http.Request.Body, AccessWire.Context.CreateAccessKeyWire, http.RequestAborted)
            ?? throw new ArgumentException("The body holds null where it must hold a JSON document.");
        AccessKeyStore store = options.KeyStore ?? throw new ArgumentException("This server has no data folder to keep access keys in; it knows those of its configuration.");
        AccessKey key = store.Create(request);
        await BlobEndpoints.AnswerAsync(http, 201, CreatedAccessKeyWire.Of(key), AccessWire.Context.CreatedAccessKeyWire);
    }

    private static async Task RevokeAsync(HttpContext http, StrataServerOptions options)
    {
        string id = http.Request.RouteValues["id"] as string ?? "";
        AccessKeyRevocation outcome = options.KeyStore is { } store
            ? store.Revoke(id)
            : options.Access.Find(id) is null ? AccessKeyRevocation.Missing : AccessKeyRevocation.Configured;
        int status = outcome switch { AccessKeyRevocation.Revoked => 200, AccessKeyRevocation.Missing => 404, _ => 409 };
        await BlobEndpoints.AnswerAsync(http, status, RevokedAccessKeyWire.Of(id, outcome), AccessWire.Context.RevokedAccessKeyWire);
    }

    private static async Task RunAsync(HttpContext http, RequestDelegate handler)
    {
        try
        {
            await handler(http);
        }
        catch (StorageException e)
        {
            await BlobEndpoints.FailAsync(http, BlobEndpoints.StatusOf(e.Kind), ErrorWire.From(e));
        }
        catch (StrataConfigurationException e)
        {
            await BlobEndpoints.FailAsync(http, 409, new ErrorWire(ErrorWire.Argument, WriteOutcome.NotApplied, e.Message));
        }
        catch (JsonException)
        {
            await BlobEndpoints.FailAsync(http, 400, new ErrorWire(ErrorWire.Argument, WriteOutcome.NotApplied, """The body must be {"grants":[…],"id":…,"name":…}; id and name may be left out."""));
        }
        catch (ArgumentException e)
        {
            await BlobEndpoints.FailAsync(http, 400, new ErrorWire(ErrorWire.Argument, WriteOutcome.NotApplied, e.Message));
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has gone. A key whose secret it did not get is listed, and can be revoked.
            http.Abort();
        }
        catch (BadHttpRequestException e)
        {
            await BlobEndpoints.FailAsync(http, e.StatusCode, new ErrorWire(ErrorWire.Argument, WriteOutcome.NotApplied, e.Message));
        }
    }
}
