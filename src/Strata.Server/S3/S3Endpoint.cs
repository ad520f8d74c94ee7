using System.Collections.Frozen;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;

namespace Strata.Server;

/// <summary>
/// The S3 API, path style, over any <see cref="IBlobStore"/>. Signatures are neither required nor verified: the server
/// listens on loopback alone.
/// </summary>
internal sealed class S3Endpoint(ServedStores served, ServerMetrics metrics)
{
    /// <summary>Query parameters that name another resource than the object or bucket itself. All are refused: none is implemented.</summary>
    private static readonly FrozenSet<string> SubResources = FrozenSet.ToFrozenSet(
    [
        "accelerate", "acl", "analytics", "attributes", "cors", "encryption", "intelligent-tiering", "inventory", "legal-hold", "lifecycle", "logging",
        "metadataConfiguration", "metadataTable", "metrics", "notification", "object-lock", "ownershipControls", "partNumber", "policy", "policyStatus",
        "publicAccessBlock", "renameObject", "replication", "requestPayment", "restore", "retention", "select", "session", "tagging", "torrent",
        "uploadId", "uploads", "versionId", "versioning", "versions", "website",
    ]);

    private readonly ILogger _log = served.Context.Loggers.CreateLogger("Strata.Server.S3");
    private readonly S3BucketOperations _buckets = new(served.Context.Clock.GetUtcNow());
    private ulong _requests = (ulong)Random.Shared.NextInt64();

    public async Task HandleAsync(HttpContext http)
    {
        long started = served.Context.Clock.GetTimestamp();
        var request = new S3Request(http, served, Interlocked.Increment(ref _requests).ToString("X16", CultureInfo.InvariantCulture));
        http.Response.Headers["x-amz-request-id"] = request.Id;
        try
        {
            request.Target = S3Target.Of(http);
            await DispatchAsync(request);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client is gone; nothing more can be said.
        }
        catch (Exception error)
        {
            await FailAsync(request, error);
        }

        metrics.Record(request.Operation, http.Response.StatusCode, request.BytesIn, request.BytesOut, served.Context.Clock.GetElapsedTime(started));
    }

    private async Task FailAsync(S3Request request, Exception exception)
    {
        S3Error error = S3ErrorMap.Of(exception);
        if (error.Status >= 500 && exception is not S3Exception)
            _log.LogError(exception, "S3 {Operation} in '{Bucket}' failed ({Code}); request {Id}", request.Operation, request.Target.Bucket, error.Code, request.Id);
        if (request.Response.HasStarted)
        {
            // Too late for a status: cut the connection, so that the client does not take the part for the whole.
            request.Http.Abort();
            return;
        }

        string id = request.Id;
        request.Response.Clear();
        request.Response.Headers["x-amz-request-id"] = id;
        await request.FailAsync(error);
    }

    private Task DispatchAsync(S3Request request)
    {
        foreach (KeyValuePair<string, Microsoft.Extensions.Primitives.StringValues> parameter in request.Request.Query)
        {
            if (SubResources.Contains(parameter.Key)) return RefuseSubResourceAsync(request, parameter.Key);
        }

        if (request.Target is { Bucket: "", Key: "" }) return RootAsync(request);
        return request.Target.Key.Length == 0 ? BucketAsync(request) : ObjectAsync(request);
    }

    private static Task RefuseSubResourceAsync(S3Request request, string name)
    {
        request.Operation = "SubResource";
        if (request.Target.Bucket.Length > 0) _ = request.Store;
        string what = name is "uploads" or "uploadId" or "partNumber" ? $"Multipart upload (?{name})" : $"The sub-resource ?{name}";
        return request.FailAsync(S3Error.NotImplemented(what));
    }

    private Task RootAsync(S3Request request)
    {
        string method = request.Request.Method;
        if (!HttpMethods.IsGet(method) && !HttpMethods.IsHead(method)) return request.FailAsync(S3Error.MethodNotAllowed);
        if (served.Page is { } page && IsBrowser(request.Request))
        {
            request.Operation = "Page";
            return page(request.Http);
        }

        return _buckets.ListAsync(request);
    }

    /// <summary>A person's browser, and no S3 client: it asks for HTML and signs nothing.</summary>
    private static bool IsBrowser(HttpRequest request) =>
        request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
        && !request.Headers.ContainsKey(HeaderNames.Authorization)
        && !request.Query.Keys.Any(k => k.StartsWith("X-Amz-", StringComparison.OrdinalIgnoreCase));

    private static Task BucketAsync(S3Request request)
    {
        IQueryCollection query = request.Request.Query;
        switch (request.Request.Method)
        {
            case "GET" when query.ContainsKey("location"):
                return S3BucketOperations.LocateAsync(request);
            case "GET":
                return S3List.HandleAsync(request);
            case "HEAD":
                return S3BucketOperations.HeadAsync(request);
            case "PUT":
                return S3BucketOperations.CreateAsync(request);
            case "POST" when query.ContainsKey("delete"):
                return S3DeleteObjects.HandleAsync(request);
            case "POST":
                return request.FailAsync(S3Error.NotImplemented("Upload by HTML form"));
            case "DELETE":
                _ = request.Store;
                return request.FailAsync(S3Error.NotImplemented("Deleting a bucket (buckets are the stores of the configuration)"));
            default:
                return request.FailAsync(S3Error.MethodNotAllowed);
        }
    }

    private static Task ObjectAsync(S3Request request) => request.Request.Method switch
    {
        "GET" => S3GetObject.HandleAsync(request),
        "HEAD" => S3HeadObject.HandleAsync(request),
        "PUT" when request.Request.Headers.ContainsKey(S3CopyObject.SourceHeader) => S3CopyObject.HandleAsync(request),
        "PUT" => S3PutObject.HandleAsync(request),
        "DELETE" => S3DeleteObject.HandleAsync(request),
        "POST" => request.FailAsync(S3Error.NotImplemented("POST on an object")),
        _ => request.FailAsync(S3Error.MethodNotAllowed),
    };
}
