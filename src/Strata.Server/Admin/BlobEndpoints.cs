using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Primitives;

namespace Strata.Server;

/// <summary>
/// The whole blob contract over HTTP, by which the command line works on a folder that this server owns.
/// </summary>
/// <remarks>
/// Everything is under <c>/_strata/v1/stores/{name}</c>: <c>blob?key=</c> takes HEAD (stat), GET (read), PUT (write),
/// POST (write of unknown length, see <see cref="FramedBody"/>), DELETE and PATCH (update); <c>copy</c> and
/// <c>delete</c> take POST; <c>capabilities</c> takes GET. A failure carries an <see cref="ErrorWire"/> in its body and,
/// since a HEAD has none, in the header <c>Strata-Error</c>; without that header 404, 412 and 416 are answers.
/// </remarks>
internal static class BlobEndpoints
{
    private const string Root = "/_strata/v1/stores/{name}";

    internal delegate Task StoreHandler(HttpContext context, IBlobStore store);

    /// <summary>Maps the routes over these stores.</summary>
    public static void MapBlobs(this IEndpointRouteBuilder routes, ServedStores served)
    {
        Map("GET", "/capabilities", (context, store) => AnswerAsync(context, 200, store.Capabilities, BlobWire.Context.StoreCapabilities));
        Map("HEAD", "/blob", (context, store) => StatAsync(context, store, served.Context.Clock));
        Map("GET", "/blob", (context, store) => BlobReads.ReadAsync(context, store, served.Context.Clock));
        Map("PUT", "/blob", Limited(WriteAsync, served.Uploads));
        Map("POST", "/blob", Limited(FramedBody.WriteAsync, served.Uploads));
        Map("DELETE", "/blob", DeleteAsync);
        Map("PATCH", "/blob", UpdateAsync);
        Map("POST", "/copy", CopyAsync);
        Map("POST", "/delete", DeleteManyAsync);

        void Map(string method, string path, StoreHandler handler) =>
            routes.MapMethods(Root + path, [method], context => RunAsync(context, served.Stores, handler)).WithMetadata(EndpointAccess.Admin);
    }

    /// <summary>The key that the request names.</summary>
    /// <exception cref="ArgumentException">It names none, or the text is no key.</exception>
    public static BlobKey KeyOf(HttpContext context)
    {
        StringValues values = context.Request.Query["key"];
        return values.Count == 1 ? BlobKey.Parse(values[0]!) : throw new ArgumentException("The request must have one 'key' in its query.");
    }

    /// <summary>The write options that the request carries, or null.</summary>
    public static WriteOptions? OptionsOf(HttpContext context) =>
        context.Request.Headers.TryGetValue(BlobWire.OptionsHeader, out StringValues header)
            ? BlobWire.FromHeader(header.ToString(), BlobWire.Context.WriteOptionsWire, BlobWire.OptionsHeader).ToOptions()
            : null;

    public static Task AnswerAsync(HttpContext context, WriteResult result) => AnswerAsync(
        context,
        result.Status switch { WriteStatus.Written => 200, WriteStatus.PreconditionFailed => 412, _ => 404 },
        WriteResultWire.From(result),
        BlobWire.Context.WriteResultWire);

    internal static async Task RunAsync(HttpContext context, IReadOnlyDictionary<string, IBlobStore> stores, StoreHandler handler)
    {
        if (context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)) LiftDataRates(context);
        string name = context.Request.RouteValues["name"] as string ?? "";
        if (!stores.TryGetValue(name, out IBlobStore? store))
        {
            string known = string.Join(", ", stores.Keys);
            await FailAsync(context, 404, new ErrorWire(ErrorWire.UnknownStore, WriteOutcome.NotApplied, $"There is no store '{name}'; there is {known}."));
            return;
        }

        await AnswerFailuresAsync(context, () => handler(context, store));
    }

    /// <summary>Runs a handler, and answers for it if it fails.</summary>
    internal static async Task AnswerFailuresAsync(HttpContext context, Func<Task> handler)
    {
        try
        {
            await handler();
        }
        catch (StorageException e)
        {
            await FailAsync(context, StatusOf(e.Kind), ErrorWire.From(e));
        }
        catch (Exception e) when (e is ArgumentException or JsonException)
        {
            await FailAsync(context, 400, new ErrorWire(ErrorWire.Argument, WriteOutcome.NotApplied, TextOf(e)));
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone: there is nobody to answer, and what it was writing was not committed.
            context.Abort();
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            await FailAsync(context, 413, new ErrorWire(nameof(StorageErrorKind.TooLarge), WriteOutcome.NotApplied, "The request's JSON is longer than this server takes."));
        }
        catch (BadHttpRequestException e)
        {
            await FailAsync(context, 400, new ErrorWire(nameof(StorageErrorKind.LengthMismatch), WriteOutcome.NotApplied, $"The body broke off: {e.Message}"));
        }
    }

    /// <summary>The command line's pipes may be slow on either side; the server's minimum rates are meant for strangers.</summary>
    private static void LiftDataRates(HttpContext context)
    {
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } request) request.MinDataRate = null;
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } response) response.MinDataRate = null;
    }

    /// <summary>The handler, for as many requests at once as the limit allows, of one client and of all.</summary>
    internal static StoreHandler Limited(StoreHandler handler, UploadLimit uploads) => async (context, store) =>
    {
        string client = ClientName.Of(context);
        if (!uploads.TryBegin(client))
            throw new StorageException(StorageErrorKind.Unavailable, "As many uploads are under way already as this server takes at once, of one client or of all; try again.") { IsTransient = true, Operation = "write", Store = store.Capabilities.Store };
        try
        {
            await handler(context, store);
        }
        finally
        {
            uploads.End(client);
        }
    };

    /// <summary>A blob may be of any length. JSON, which is held in memory whole, keeps the web server's limit.</summary>
    internal static void LiftBodyLimit(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
    }

    /// <summary>The message without the name of a parameter, which says nothing to a client.</summary>
    internal static string TextOf(Exception e) =>
        e is ArgumentException { ParamName: { } name } ? e.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal) : e.Message;

    internal static int StatusOf(StorageErrorKind kind) => kind switch
    {
        StorageErrorKind.Full => 507,
        StorageErrorKind.TooLarge => 413,
        StorageErrorKind.Unsupported => 501,
        StorageErrorKind.AccessDenied => 403,
        StorageErrorKind.LengthMismatch => 400,
        StorageErrorKind.Changed => 409,
        StorageErrorKind.Corrupt => 500,
        StorageErrorKind.Timeout => 504,
        _ => 503,
    };

    /// <summary>Answers with an error; if bytes of a blob have gone out already, breaks the connection, which no client takes for the end.</summary>
    internal static async Task FailAsync(HttpContext context, int status, ErrorWire error)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        context.Response.Clear();
        if (error.IsTransient) context.Response.Headers.RetryAfter = "1";
        context.Response.Headers[BlobWire.ErrorHeader] = BlobWire.ToHeader(error, BlobWire.Context.ErrorWire);
        await AnswerAsync(context, status, error, BlobWire.Context.ErrorWire);
    }

    internal static async Task AnswerAsync<T>(HttpContext context, int status, T value, JsonTypeInfo<T> type)
    {
        context.Response.StatusCode = status;
        if (HttpMethods.IsHead(context.Request.Method)) return;
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(value, type);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.Length;
        await context.Response.BodyWriter.WriteAsync(json, context.RequestAborted);
    }

    private static async Task StatAsync(HttpContext context, IBlobStore store, TimeProvider clock)
    {
        BlobInfo? info = await store.StatAsync(KeyOf(context), context.RequestAborted);
        context.Response.StatusCode = info is null ? 404 : 200;
        if (info is null) return;
        context.Response.Headers[BlobWire.InfoHeader] = BlobWire.ToHeader(BlobInfoWire.From(info), BlobWire.Context.BlobInfoWire);
        StaleHeaders.Write(info, clock, context.Response);
    }

    private static async Task WriteAsync(HttpContext context, IBlobStore store)
    {
        LiftBodyLimit(context);
        var content = new RequestContent(context.Request);
        try
        {
            await AnswerAsync(context, await store.WriteAsync(KeyOf(context), content, OptionsOf(context), context.RequestAborted));
        }
        catch (StorageException)
        {
            await content.DrainAsync(context.RequestAborted);
            throw;
        }
    }

    private static async Task DeleteAsync(HttpContext context, IBlobStore store)
    {
        WriteCondition condition = OptionsOf(context)?.Condition ?? default;
        DeleteResult result = await store.DeleteAsync(KeyOf(context), condition, context.RequestAborted);
        await AnswerAsync(context, result.Status == DeleteStatus.PreconditionFailed ? 412 : 200, DeleteResultWire.From(result), BlobWire.Context.DeleteResultWire);
    }

    private static async Task UpdateAsync(HttpContext context, IBlobStore store)
    {
        UpdateWire update = await BodyAsync(context, BlobWire.Context.UpdateWire);
        WriteCondition condition = update.Condition?.ToCondition() ?? default;
        await AnswerAsync(context, await store.UpdateAsync(KeyOf(context), update.Changes.ToChanges(), condition, context.RequestAborted));
    }

    private static async Task CopyAsync(HttpContext context, IBlobStore store)
    {
        CopyWire copy = await BodyAsync(context, BlobWire.Context.CopyWire);
        WriteResult result = await store.CopyAsync(BlobKey.Parse(copy.Source), BlobKey.Parse(copy.Target), copy.ToOptions(), context.RequestAborted);
        await AnswerAsync(context, result);
    }

    private static async Task DeleteManyAsync(HttpContext context, IBlobStore store)
    {
        IReadOnlyList<string> keys = await BodyAsync(context, BlobWire.Context.IReadOnlyListString);
        DeleteManyResult result = await store.DeleteManyAsync([.. keys.Select(BlobKey.Parse)], context.RequestAborted);
        await AnswerAsync(context, 200, [.. result.Outcomes.Select(DeleteOutcomeWire.From)], BlobWire.Context.IReadOnlyListDeleteOutcomeWire);
    }

    private static async ValueTask<T> BodyAsync<T>(HttpContext context, JsonTypeInfo<T> type) =>
        await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted)
            ?? throw new ArgumentException("The body holds null where it must hold a JSON document.");
}
