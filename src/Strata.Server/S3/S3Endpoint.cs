using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Strata.Server;

/// <summary>
/// The S3 API, path style, over any <see cref="IBlobStore"/>. Who asks is known before (<see cref="AccessGuard"/>); what
/// they may do is checked by each operation (<see cref="S3Demands"/>).
/// </summary>
internal sealed class S3Endpoint(ServedStores served)
{
    /// <summary>How long a refused body is read on.</summary>
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(30);

    /// <summary>How long a refused body may pause before it counts as ended.</summary>
    private static readonly TimeSpan QuietTimeout = TimeSpan.FromSeconds(2);

    private readonly ILogger _log = served.Context.Loggers.CreateLogger("Strata.Server.S3");
    private readonly S3Operations _operations = new(new S3BucketOperations(served.Context.Clock.GetUtcNow()));

    public async Task HandleAsync(HttpContext http, RequestAccess access)
    {
        bool isMeasured = served.Metrics.IsEnabled;
        long started = isMeasured ? served.Context.Clock.GetTimestamp() : 0;
        var request = new S3Request(http, access, served);
        http.Response.Headers["x-amz-request-id"] = request.Id;

        // S3Body has limits of its own. The web server's would cut the connection of a refused upload, so that its client
        // sees a broken pipe where there is an answer.
        bool hasBody = HasBody(http);
        if (hasBody) BlobEndpoints.LiftBodyLimit(http);
        try
        {
            request.Target = S3Target.Of(http);
            await DispatchAsync(request, hasBody);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client is gone; nothing more can be said.
        }
        catch (Exception error)
        {
            await FailAsync(request, error);
        }

        if (isMeasured) served.Metrics.Record(request.Operation, http.Response.StatusCode, request.BytesIn, request.BytesOut, served.Context.Clock.GetElapsedTime(started));
        if (served.AccessLog is not null && http.Features.Get<AccessRecord>() is { } record) request.Fill(record);
    }

    private async Task FailAsync(S3Request request, Exception exception)
    {
        // A request may have found its bucket just before that was deleted.
        bool isDeleted = exception is StorageException { Kind: StorageErrorKind.Closed } && !served.Stores.ContainsKey(request.Target.Bucket);
        S3Error error = isDeleted ? S3Error.NoSuchBucket(request.Target.Bucket) : S3ErrorMap.Of(exception);
        if (exception is not S3Exception && (error.Status >= 500 || exception is StorageException { Kind: StorageErrorKind.AccessDenied }))
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
        if (error != S3Error.SlowDown) await DrainAsync(request.Http);
    }

    /// <summary>
    /// Reads on what a refused client still sends, so that one that sends before it listens gets to see the answer. The web
    /// server would cut it off after 5 s. A body that waits for '100 Continue' is left alone: it will not be sent.
    /// </summary>
    private async Task DrainAsync(HttpContext http)
    {
        if (!HasBody(http) || http.Request.Headers.Expect.Count > 0) return;
        await http.Response.CompleteAsync();
        using var quiet = new CancellationTokenSource(QuietTimeout, served.Context.Clock);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(quiet.Token, http.RequestAborted);
        long started = served.Context.Clock.GetTimestamp();
        try
        {
            PipeReader body = http.Request.BodyReader;
            ReadResult read;
            do
            {
                quiet.CancelAfter(QuietTimeout);
                read = await body.ReadAsync(ended.Token);
                body.AdvanceTo(read.Buffer.End);
            }
            while (!read.IsCompleted && served.Context.Clock.GetElapsedTime(started) < DrainTimeout);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException)
        {
            // Nothing more comes, it broke off, or it was given up in the middle: the answer is out, and the connection ends here.
        }
    }

    private static bool HasBody(HttpContext http) => http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? true;

    private Task DispatchAsync(S3Request request, bool hasBody)
    {
        if (request.Target is { Bucket: "", Key: "" } && served.Page is { } page && DashboardEndpoints.IsForPerson(request.Request))
        {
            request.Operation = "Page";
            return page(request.Http);
        }

        S3Operation operation = _operations.Find(request);
        request.Operation = operation.Name;
        if (!served.Rates.TryTake(request.Principal.Name, request.Http.Connection.RemoteIpAddress)) throw S3Error.SlowDown.AsException();
        operation.Demand(request);
        return hasBody ? ReceiveAsync(request, operation) : operation.Handler(request);
    }

    private async Task ReceiveAsync(S3Request request, S3Operation operation)
    {
        string client = ClientName.Of(request.Principal.Name, request.Http.Connection.RemoteIpAddress);
        if (!served.Uploads.TryBegin(client)) throw S3Error.SlowDown.AsException();
        try
        {
            await operation.Handler(request);
        }
        finally
        {
            served.Uploads.End(client);
        }
    }
}
