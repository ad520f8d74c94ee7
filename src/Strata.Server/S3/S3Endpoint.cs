using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Strata.Server;

/// <summary>
/// The S3 API, path style, over any <see cref="IBlobStore"/>. Who asks is known before (<see cref="AccessGuard"/>); what
/// they may do is checked by each operation (<see cref="S3Demands"/>).
/// </summary>
internal sealed class S3Endpoint(ServedStores served, ServerMetrics metrics)
{
    private readonly ILogger _log = served.Context.Loggers.CreateLogger("Strata.Server.S3");
    private readonly S3Operations _operations = new(new S3BucketOperations(served.Context.Clock.GetUtcNow()));

    public async Task HandleAsync(HttpContext http)
    {
        long started = served.Context.Clock.GetTimestamp();
        var request = new S3Request(http, served, served.NextRequestId());
        http.Response.Headers["x-amz-request-id"] = request.Id;

        // S3Body has limits of its own. The web server's would cut the connection of a refused upload, so that its client
        // sees a broken pipe where there is an answer.
        BlobEndpoints.LiftBodyLimit(http);
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
        if (request.Target is { Bucket: "", Key: "" } && served.Page is { } page && DashboardEndpoints.IsForPerson(request.Request))
        {
            request.Operation = "Page";
            return page(request.Http);
        }

        S3Operation operation = _operations.Find(request);
        request.Operation = operation.Name;
        operation.Demand(request);
        return operation.Handler(request);
    }
}
