using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Strata.Server;

/// <summary>Tiering of a store, for the command line and the page: seen, explained, and decided otherwise.</summary>
/// <remarks>
/// Under <c>/_strata/v1/stores/{name}/tiering</c>: GET of itself (figures), <c>pins</c>, <c>explain?key=</c> and <c>export</c> (a
/// file); POST, with a JSON document, to <c>promote</c>, <c>demote</c>, <c>pin</c> and <c>unpin</c>, and to <c>run</c>,
/// <c>bootstrap</c>, <c>clear</c>, <c>invalidate</c>, <c>scrub</c> and (with an export as its body) <c>import</c>, which answer in lines
/// (<see cref="LongOperations"/>). Failures are those of the blob API.
/// </remarks>
internal sealed class TieringEndpoints(ServedStores served, LongOperations operations)
{
    private const string Root = "/_strata/v1/stores/{name}/tiering";
    private const int MaxBodyBytes = 64 << 10;

    /// <summary>Maps the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes, ServedStores served)
    {
        CancellationToken stopping = routes.ServiceProvider.GetService<IHostApplicationLifetime>()?.ApplicationStopping ?? CancellationToken.None;
        new TieringEndpoints(served, new LongOperations(served.Context.Clock, stopping)).Map(routes);
    }

    private void Map(IEndpointRouteBuilder routes)
    {
        Get("", (http, store) => BlobEndpoints.AnswerAsync(http, 200, TieringWire.From(NameOf(http), store), TieringJson.Context.TieringWire));
        Get("/pins", (http, store) => BlobEndpoints.AnswerAsync(http, 200, Tiering(store).GetPins(), TieringJson.Context.IReadOnlyListTierPin));
        Get("/explain", ExplainAsync);
        Get("/export", ExportAsync);
        Post("/promote", PromoteAsync);
        Post("/demote", DemoteAsync);
        Post("/pin", PinAsync);
        Post("/unpin", UnpinAsync);
        Post("/run", RunAsync);
        Post("/bootstrap", BootstrapAsync);
        Post("/clear", ClearAsync);
        Post("/invalidate", InvalidateAsync);
        Post("/scrub", ScrubAsync);
        Post("/import", BlobEndpoints.Limited(ImportAsync, served.Uploads));

        void Get(string path, BlobEndpoints.StoreHandler handler) => One(HttpMethods.Get, path, handler);

        void Post(string path, BlobEndpoints.StoreHandler handler) => One(HttpMethods.Post, path, handler);

        void One(string method, string path, BlobEndpoints.StoreHandler handler) => routes.MapMethods(Root + path, [method], http =>
        {
            AdminEndpoints.KeepPrivate(http.Response);
            return BlobEndpoints.RunAsync(http, served.Stores, handler);
        }).WithMetadata(EndpointAccess.Admin);
    }

    private static async Task ExplainAsync(HttpContext http, IBlobStore store)
    {
        BlobKey key = BlobEndpoints.KeyOf(http);
        if (await Tiering(store).ExplainAsync(key, http.RequestAborted) is { } explanation)
        {
            await BlobEndpoints.AnswerAsync(http, 200, explanation, TieringJson.Context.TierExplanation);
            return;
        }

        var missing = new ErrorWire("Missing", WriteOutcome.NotApplied, "There is no such blob.", Operation: "explain", Key: key.Value, Store: NameOf(http));
        await BlobEndpoints.AnswerAsync(http, 404, missing, BlobWire.Context.ErrorWire);
    }

    private static async Task PromoteAsync(HttpContext http, IBlobStore store)
    {
        MoveWire move = await BodyAsync(http, TieringJson.Context.MoveWire);
        if (move.KeepInSource) throw new ArgumentException("A promotion keeps the slower tiers' anyway: 'keepInSource' goes with demote.");
        await MovedAsync(http, await Tiering(store).PromoteAsync(BlobKey.Parse(move.Key), move.Tier, http.RequestAborted));
    }

    private static async Task DemoteAsync(HttpContext http, IBlobStore store)
    {
        MoveWire move = await BodyAsync(http, TieringJson.Context.MoveWire);
        await MovedAsync(http, await Tiering(store).DemoteAsync(BlobKey.Parse(move.Key), move.Tier, move.KeepInSource, http.RequestAborted));
    }

    private static async Task PinAsync(HttpContext http, IBlobStore store)
    {
        PinWire pin = await BodyAsync(http, TieringJson.Context.PinWire);
        await MovedAsync(http, await Tiering(store).PinAsync(BlobKey.Parse(pin.Key), pin.Tier, http.RequestAborted));
    }

    private static async Task UnpinAsync(HttpContext http, IBlobStore store)
    {
        UnpinWire unpin = await BodyAsync(http, TieringJson.Context.UnpinWire);
        bool wasPinned = await Tiering(store).UnpinAsync(BlobKey.Parse(unpin.Key), http.RequestAborted);
        await BlobEndpoints.AnswerAsync(http, 200, new UnpinnedWire(wasPinned), TieringJson.Context.UnpinnedWire);
    }

    private async Task RunAsync(HttpContext http, IBlobStore store)
    {
        TieringRun run = (await BodyAsync(http, TieringJson.Context.RunWire)).ToRun();
        await operations.AnswerAsync(http, TieringJson.Context.OperationLineTieringProgressTieringReport, (progress, ended) => Tiering(store).RunTieringAsync(run, progress, ended));
    }

    private async Task BootstrapAsync(HttpContext http, IBlobStore store)
    {
        BootstrapWire wire = await BodyAsync(http, TieringJson.Context.BootstrapWire);
        await operations.AnswerAsync(
            http, TieringJson.Context.OperationLineUpkeepProgressBootstrapResult, (progress, ended) => Upkeep(store).BootstrapTierAsync(wire.Tier, wire.ToOptions(), progress, ended));
    }

    private async Task ClearAsync(HttpContext http, IBlobStore store)
    {
        string tier = (await BodyAsync(http, TieringJson.Context.ClearWire)).Tier;
        await operations.AnswerAsync(http, TieringJson.Context.OperationLineUpkeepProgressClearTierResult, (progress, ended) => Upkeep(store).ClearTierAsync(tier, progress, ended));
    }

    private async Task InvalidateAsync(HttpContext http, IBlobStore store)
    {
        InvalidateWire what = await BodyAsync(http, TieringJson.Context.InvalidateWire);
        ITierUpkeep upkeep = Upkeep(store);
        LongOperations.Operation<UpkeepProgress, InvalidateResult> operation = what switch
        {
            { Key: { } key, Prefix: null, All: false } => (_, ended) => upkeep.InvalidateAsync(BlobKey.Parse(key), ended),
            { Key: null, Prefix: { } prefix, All: false } => (progress, ended) => upkeep.InvalidatePrefixAsync(prefix, progress, ended),
            { Key: null, Prefix: null, All: true } => upkeep.InvalidateAllAsync,
            _ => throw new ArgumentException("One of 'key', 'prefix' and 'all' must be there."),
        };
        await operations.AnswerAsync(http, TieringJson.Context.OperationLineUpkeepProgressInvalidateResult, operation);
    }

    private async Task ScrubAsync(HttpContext http, IBlobStore store)
    {
        ScrubOptions options = (await BodyAsync(http, TieringJson.Context.ScrubWire)).ToOptions();
        await operations.AnswerAsync(http, TieringJson.Context.OperationLineUpkeepProgressScrubReport, (progress, ended) => Upkeep(store).ScrubAsync(options, progress, ended));
    }

    private Task ExportAsync(HttpContext http, IBlobStore store)
    {
        ITierUpkeep upkeep = Upkeep(store);
        http.Response.ContentType = LongOperations.ContentType;
        http.Response.Headers.ContentDisposition = "attachment; filename=\"tier-metadata.jsonl\"";
        return operations.StreamAsync(http, async ended => await upkeep.ExportMetadataAsync(http.Response.Body, null, ended));
    }

    private async Task ImportAsync(HttpContext http, IBlobStore store)
    {
        BlobEndpoints.LiftBodyLimit(http);
        var options = new ImportMetadataOptions { OverOtherContent = AdminEndpoints.TextOf(http, "overOtherContent") == "true" };
        var content = new RequestContent(http.Request);
        try
        {
            ITierUpkeep upkeep = Upkeep(store);
            await operations.AnswerAsync(
                http, TieringJson.Context.OperationLineUpkeepProgressMetadataImport, (progress, ended) => upkeep.ImportMetadataAsync(content.OpenStream(), options, progress, ended));
        }
        catch (StorageException)
        {
            await content.DrainAsync(http.RequestAborted);
            throw;
        }
    }

    private static Task MovedAsync(HttpContext http, MoveStatus status) => BlobEndpoints.AnswerAsync(http, 200, new MovedWire(status), TieringJson.Context.MovedWire);

    private static string NameOf(HttpContext http) => (string)http.Request.RouteValues["name"]!;

    private static ITiering Tiering(IBlobStore store) => store.TryGetFacet(out ITiering? facet) ? facet : throw WithoutTiers(store);

    private static ITierUpkeep Upkeep(IBlobStore store) => store.TryGetFacet(out ITierUpkeep? facet) ? facet : throw WithoutTiers(store);

    /// <summary>A store that has nothing to move between.</summary>
    internal static StorageException WithoutTiers(IBlobStore store) =>
        new(StorageErrorKind.Unsupported, $"Store '{store.Capabilities.Store}' has one tier alone: there is nothing to move between.") { Operation = "tiering", Store = store.Capabilities.Store };

    private static async ValueTask<T> BodyAsync<T>(HttpContext http, JsonTypeInfo<T> type)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = MaxBodyBytes;
        return await JsonSerializer.DeserializeAsync(http.Request.Body, type, http.RequestAborted) ?? throw new ArgumentException("The body holds null where it must hold a JSON document.");
    }
}
