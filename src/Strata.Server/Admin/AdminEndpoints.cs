using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Primitives;

namespace Strata.Server;

/// <summary>What a person or a monitor asks of a server: health, figures, listings, where a blob is, and live events.</summary>
/// <remarks>
/// Under <c>/_strata/</c>, all GET: <c>health</c>, <c>v1/stores</c>, <c>v1/stores/{name}/blobs</c>,
/// <c>v1/stores/{name}/locate?key=</c>, <c>v1/events</c> (see <see cref="LiveFeed"/>); besides them
/// <see cref="UploadEndpoints"/>. Failures are those of the blob API.
/// </remarks>
internal static class AdminEndpoints
{
    private const string Store = "/_strata/v1/stores/{name}";

    /// <summary>Maps the routes.</summary>
    public static void MapAdmin(this IEndpointRouteBuilder routes, ServedStores served)
    {
        var health = new ServerHealth(served.Stores, served.Context.Clock);
        var feed = new LiveFeed(served.Stores, served.Context.Clock);
        CancellationToken stopping = routes.ServiceProvider.GetService<IHostApplicationLifetime>()?.ApplicationStopping ?? CancellationToken.None;

        Map("/_strata/health", http => BlobEndpoints.AnswerAsync(http, 200, health.Look(), AdminJson.Context.HealthWire), EndpointAccess.Open);
        Map("/_strata/v1/stores", http => BlobEndpoints.AnswerAsync(http, 200, StoreWire.From(served.Stores), AdminJson.Context.StoreWireArray));
        Map("/_strata/v1/events", http => ListenAsync(http, feed, stopping));
        Map(Store + "/blobs", http => BlobEndpoints.RunAsync(http, served.Stores, ListAsync));
        Map(Store + "/locate", http => BlobEndpoints.RunAsync(http, served.Stores, LocateAsync));

        void Map(string path, RequestDelegate handler, EndpointAccess access = EndpointAccess.Admin) => routes.MapMethods(path, [HttpMethods.Get], http =>
        {
            KeepPrivate(http.Response);
            return handler(http);
        }).WithMetadata(access);
    }

    /// <summary>Lets nothing between server and reader keep the answer, or take it for something else.</summary>
    internal static void KeepPrivate(HttpResponse response)
    {
        // A failure clears the headers, but not what is due when the response starts.
        response.OnStarting(static state =>
        {
            IHeaderDictionary headers = ((HttpResponse)state).Headers;
            headers.CacheControl = "no-store";
            headers.XContentTypeOptions = "nosniff";
            return Task.CompletedTask;
        }, response);
    }

    private static async Task ListAsync(HttpContext http, IBlobStore store)
    {
        var request = new ListRequest
        {
            Prefix = TextOf(http, "prefix") ?? "",
            Delimiter = TextOf(http, "delimiter"),
            StartAfter = TextOf(http, "startAfter"),

            // A token holds a key in base64url, and is checked against its request by the store.
            Token = TextOf(http, "token", 2 * BlobKey.MaxBytes),
            Limit = LimitOf(http),
            Exact = TextOf(http, "exact") != "false",
        };
        request.Validate();
        ListPage page = await store.ListPageAsync(request, http.RequestAborted);
        await BlobEndpoints.AnswerAsync(http, 200, ListPageWire.From(page), BlobWire.Context.ListPageWire);
    }

    private static async Task LocateAsync(HttpContext http, IBlobStore store)
    {
        BlobKey key = BlobEndpoints.KeyOf(http);
        BlobInfo? info = await store.StatAsync(key, http.RequestAborted);
        IReadOnlyList<string> tiers = info is null ? [] : await StoreTiers.LocateAsync(store, key, http.RequestAborted);
        if (info is null || tiers.Count == 0)
        {
            var missing = new ErrorWire("Missing", WriteOutcome.NotApplied, "There is no such blob.", Operation: "locate", Key: key.Value, Store: store.Capabilities.Store);
            await BlobEndpoints.AnswerAsync(http, 404, missing, BlobWire.Context.ErrorWire);
            return;
        }

        await BlobEndpoints.AnswerAsync(http, 200, new LocateWire(key.Value, BlobInfoWire.From(info), tiers), BlobWire.Context.LocateWire);
    }

    private static async Task ListenAsync(HttpContext http, LiveFeed feed, CancellationToken stopping)
    {
        if (!feed.TryJoin())
        {
            http.Response.Headers.RetryAfter = "5";
            var busy = new ErrorWire("Busy", WriteOutcome.NotApplied, $"{LiveFeed.MaxListeners} listeners are connected already.", IsTransient: true);
            await BlobEndpoints.AnswerAsync(http, 503, busy, BlobWire.Context.ErrorWire);
            return;
        }

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        try
        {
            http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
            http.Response.ContentType = "text/event-stream";
            await feed.WriteAsync(http.Response.BodyWriter, http.Features.Get<RequestAccess>()?.StillHolds, ended.Token);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The listener left, or the server stops: either way this is how a feed ends.
        }
        finally
        {
            feed.Leave();
        }
    }

    /// <summary>A text of the query; null if it is absent or empty, which say the same.</summary>
    /// <exception cref="ArgumentException">It is there twice, or too long.</exception>
    internal static string? TextOf(HttpContext http, string name, int limit = BlobKey.MaxBytes)
    {
        StringValues values = http.Request.Query[name];
        if (values.Count > 1) throw new ArgumentException($"'{name}' may be there only once.");
        string? text = values.Count == 0 ? null : values[0];
        if (text?.Length > limit) throw new ArgumentException($"'{name}' may have at most {limit} characters; it has {text.Length}.");
        return text is "" ? null : text;
    }

    private static int LimitOf(HttpContext http)
    {
        if (TextOf(http, "limit") is not { } text) return new ListRequest().Limit;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int limit) && limit is >= 1 and <= ListRequest.MaxLimit
            ? limit
            : throw new ArgumentException($"'limit' must be a number from 1 to {ListRequest.MaxLimit}.");
    }
}
