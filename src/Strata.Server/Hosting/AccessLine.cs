using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace Strata.Server;

/// <summary>
/// A line of the access log. Of the query it holds nothing but the blob API's key, and of the headers the user agent:
/// signatures, tokens and cookies cannot get in.
/// </summary>
internal sealed record AccessLine
{
    private const int MaxPath = 4096, MaxAgent = 256;

    public required DateTimeOffset Time { get; init; }

    public required string Id { get; init; }

    public string? Remote { get; init; }

    public required string Principal { get; init; }

    public required string Operation { get; init; }

    public required string Method { get; init; }

    /// <summary>As sent, without its query.</summary>
    public required string Path { get; init; }

    /// <summary>The key that a request of the blob API names.</summary>
    public string? Key { get; init; }

    public required int Status { get; init; }

    /// <summary>True if the client left, or was cut off, before all was said.</summary>
    public bool? Aborted { get; init; }

    public long? Received { get; init; }

    public long? Sent { get; init; }

    public required double Milliseconds { get; init; }

    public string? Agent { get; init; }

    /// <param name="http">A request that has been answered.</param>
    /// <param name="time">When it began.</param>
    /// <param name="duration">How long it took.</param>
    /// <param name="failed">True if its handler threw.</param>
    public static AccessLine Of(HttpContext http, DateTimeOffset time, TimeSpan duration, bool failed)
    {
        AccessRecord record = http.Features.Get<AccessRecord>() ?? new();
        bool isAborted = http.RequestAborted.IsCancellationRequested;
        return new AccessLine
        {
            Time = time,
            Id = http.Response.Headers["x-amz-request-id"] is [{ } id] ? id : http.TraceIdentifier,
            Remote = http.Connection.RemoteIpAddress?.ToString(),
            Principal = record.Principal ?? AccessPrincipal.Anybody.Name,
            Operation = record.Operation ?? OperationOf(http),
            Method = http.Request.Method,
            Path = Bounded(PathOf(http), MaxPath)!,
            Key = http.Request.Path.StartsWithSegments("/_strata", StringComparison.Ordinal) ? Bounded(http.Request.Query["key"], MaxPath) : null,
            Status = failed && !http.Response.HasStarted ? StatusCodes.Status500InternalServerError : http.Response.StatusCode,
            Aborted = isAborted || failed ? true : null,
            Received = record.Received ?? http.Request.ContentLength,
            Sent = record.Sent ?? (HttpMethods.IsHead(http.Request.Method) ? 0 : http.Response.ContentLength),
            Milliseconds = Math.Round(duration.TotalMilliseconds, 3),
            Agent = Bounded(http.Request.Headers.UserAgent, MaxAgent),
        };
    }

    private static string OperationOf(HttpContext http)
    {
        string route = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "";
        string last = route[(route.TrimEnd('/').LastIndexOf('/') + 1)..];

        // S3's own part of the paths, of which its endpoint has not got to know: the guard before it refused.
        return last.Length == 0 || last.StartsWith('{') ? "Refused" : last;
    }

    private static string PathOf(HttpContext http) => S3Target.PathOf(http.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "");

    private static string? Bounded(string? text, int length) => text?.Length > length ? text[..length] + "…" : text is "" ? null : text;
}

/// <summary>A line of the access log that says how many others there are not.</summary>
/// <param name="Time">When it was written.</param>
/// <param name="Lost">Requests since the last such line, or since the start.</param>
internal sealed record LostLines(DateTimeOffset Time, long Lost);

/// <summary>Source-generated serialisation of the access log; what is no plain ASCII is escaped, so that a terminal obeys nothing.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AccessLine))]
[JsonSerializable(typeof(LostLines))]
internal sealed partial class AccessJsonContext : JsonSerializerContext;
