using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Strata.Server;

/// <summary>
/// Uploads in parts that are under way, for the page: <c>v1/stores/{name}/uploads</c> takes GET, which lists the first
/// <see cref="MaxListed"/> by key, and DELETE with <c>?key=&amp;id=</c>, which ends one and drops its parts.
/// </summary>
internal static class UploadEndpoints
{
    /// <summary>The most uploads of a store that are listed; more are told as <see cref="UploadsWire.More"/>.</summary>
    public const int MaxListed = 100;

    private const string Path = "/_strata/v1/stores/{name}/uploads";

    /// <summary>Maps the routes.</summary>
    public static void MapUploads(this IEndpointRouteBuilder routes, ServedStores served)
    {
        Map(HttpMethods.Get, ListAsync);
        Map(HttpMethods.Delete, AbortAsync);

        void Map(string method, BlobEndpoints.StoreHandler handler) => routes.MapMethods(Path, [method], http =>
        {
            AdminEndpoints.KeepPrivate(http.Response);
            return BlobEndpoints.RunAsync(http, served.Stores, handler);
        }).WithMetadata(EndpointAccess.Admin);
    }

    private static async Task ListAsync(HttpContext http, IBlobStore store)
    {
        // One more than is shown, to know whether there are more.
        IReadOnlyList<MultipartUpload> uploads = store.TryGetFacet(out IMultipartUploads? facet)
            ? await facet.ListUploadsAsync(new UploadListRequest { Limit = MaxListed + 1 }, http.RequestAborted)
            : [];
        await BlobEndpoints.AnswerAsync(http, 200, UploadsWire.From(uploads, MaxListed), AdminJson.Context.UploadsWire);
    }

    private static async Task AbortAsync(HttpContext http, IBlobStore store)
    {
        BlobKey key = BlobEndpoints.KeyOf(http);
        string id = http.Request.Query["id"] is [{ Length: > 0 } one] ? one : throw new ArgumentException("The request must have one 'id' in its query.");
        bool isAborted = store.TryGetFacet(out IMultipartUploads? facet) && await facet.AbortAsync(key, id, http.RequestAborted);
        if (isAborted)
        {
            http.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        var missing = new ErrorWire("Missing", WriteOutcome.NotApplied, "This upload has ended already.", Operation: "abort", Key: key.Value, Store: store.Capabilities.Store);
        await BlobEndpoints.AnswerAsync(http, 404, missing, BlobWire.Context.ErrorWire);
    }
}
