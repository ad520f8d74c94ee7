using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// Stands before every endpoint: finds out who asks, and refuses who may not. An endpoint says by its
/// <see cref="EndpointAccess"/> whom it takes; the handler gets a <see cref="RequestAccess"/>: S3's as an argument, any
/// other as a feature of the request.
/// </summary>
/// <remarks>
/// While no credentials are required, everybody is let in whom <see cref="OriginGuard"/> takes for no foreign page. Once
/// they are, S3 takes signatures alone; <c>/_strata/</c> also takes the data folder's token from this machine, and the
/// page's cookie, which never opens S3's paths.
/// </remarks>
internal sealed class AccessGuard(ServedStores served, SignatureV4 signatures, Sessions sessions, ServerMetrics metrics)
{
    private const string AskForCredentials =
        "This server asks for credentials: sign in with an admin key, sign the request with one, or show the data folder's token on the server's own machine.";

    private readonly StrataServerOptions _options = served.Options;
    private readonly OriginGuard _origins = new(served.Options);
    private readonly RefusalLimit _refusals = new(served.Options, served.Context, metrics);
    private readonly RequestAccess _anybody = new(AccessPrincipal.Anybody, StillHolds: () => !served.Options.Access.IsRequired);
    private readonly KvTokens _tokens = new(served.Options.KvTokens);
    private readonly byte[]? _ownerToken = served.Options.OwnerToken is { Length: > 0 } token ? Encoding.UTF8.GetBytes(token) : null;

    /// <summary>The endpoint, guarded.</summary>
    /// <exception cref="InvalidOperationException">It does not say, once, who may use it.</exception>
    public RequestDelegate Wrap(RequestDelegate next, IEnumerable<object> metadata)
    {
        RequestDelegate guarded = AccessOf(metadata) switch
        {
            EndpointAccess.Open => http => OpenAsync(http, next),
            EndpointAccess.Admin => http => AdminAsync(http, next),
            EndpointAccess.Database => http => DatabaseAsync(http, next),
            EndpointAccess other => throw new InvalidOperationException($"Nobody knows what {other} means here."),
        };
        bool isForTokens = _tokens.AreRequired && AccessOf(metadata) == EndpointAccess.Database;
        return http => isForTokens || _options.Access.IsRequired ? guarded(http) : AnybodyAsync(http, next);
    }

    /// <summary>S3's handler, guarded.</summary>
    public RequestDelegate Wrap(SignedHandler next) => http => _options.Access.IsRequired ? SignedAsync(http, next) : AnybodyAsync(http, next);

    /// <summary>Who may use an endpoint.</summary>
    /// <exception cref="InvalidOperationException">It does not say, once, who may use it.</exception>
    public static EndpointAccess AccessOf(IEnumerable<object> metadata) => metadata.OfType<EndpointAccess>().ToArray() is [var access]
        ? access
        : throw new InvalidOperationException($"An endpoint must carry one {nameof(EndpointAccess)} as metadata.");

    private Task AnybodyAsync(HttpContext http, RequestDelegate next)
    {
        if (_origins.FaultOnLoopback(http) is { } fault) return RefuseAsync(http, StatusCodes.Status403Forbidden, fault);
        http.Features.Set(_anybody);
        return next(http);
    }

    private Task AnybodyAsync(HttpContext http, SignedHandler next) =>
        _origins.FaultOnLoopback(http) is { } fault ? RefuseAsync(http, StatusCodes.Status403Forbidden, fault) : next(http, _anybody);

    private Task OpenAsync(HttpContext http, RequestDelegate next) =>
        OriginGuard.FaultOfPage(http) is { } fault ? RefuseAsync(http, StatusCodes.Status403Forbidden, fault) : next(http);

    private Task SignedAsync(HttpContext http, SignedHandler next)
    {
        if (http.Request.Path.Value is "/" && served.Page is { } page && DashboardEndpoints.IsForPerson(http.Request)) return page(http);
        long started = served.Context.Clock.GetTimestamp();
        RequestAccess access;
        try
        {
            _refusals.RequireFewGuesses(http);
            access = signatures.Verify(http);
        }
        catch (S3Exception refused)
        {
            return RefuseAsync(http, _refusals.AnswerTo(http, refused.Error), started);
        }

        Note(http, access);
        return next(http, access);
    }

    private async Task DatabaseAsync(HttpContext http, RequestDelegate next)
    {
        if (OriginGuard.FaultOfPage(http) is { } fault)
        {
            await KvCalls.RefuseAsync(http, StatusCodes.Status403Forbidden, fault);
            return;
        }

        try
        {
            _refusals.RequireFewGuesses(http);
        }
        catch (S3Exception refused)
        {
            await KvCalls.RefuseAsync(http, refused.Error.Status, refused.Error.Message);
            return;
        }

        if (_tokens.Let(http.Request, http.Request.RouteValues["name"] as string ?? ""))
        {
            http.Features.Set(RequestAccess.Client);
            Note(http, RequestAccess.Client);
            await next(http);
            return;
        }

        S3Error answer = _refusals.AnswerTo(http, S3Error.AccessDenied);
        string message = _tokens.AreRequired ? "This database asks for an access token, and the one shown is none of its." : "This server has no tokens for KV databases: start it with --kv-token, or set Strata:Server:KvTokens.";
        await KvCalls.RefuseAsync(http, answer == S3Error.SlowDown ? answer.Status : StatusCodes.Status401Unauthorized, answer == S3Error.SlowDown ? answer.Message : message);
    }

    private async Task RefuseAsync(HttpContext http, S3Error error, long started)
    {
        await RefuseAsync(http, error);
        metrics.Record("Refused", http.Response.StatusCode, 0, 0, served.Context.Clock.GetElapsedTime(started));
    }

    private async Task AdminAsync(HttpContext http, RequestDelegate next)
    {
        if (OriginGuard.FaultOfPage(http) is { } fault)
        {
            await RefuseAsync(http, StatusCodes.Status403Forbidden, fault);
            return;
        }

        RequestAccess? access;
        try
        {
            access = IsOwner(http) ? RequestAccess.Owner
                : SignatureClaim.IsIn(http.Request) ? VerifyAdmin(http)
                : sessions.Find(http.Request) is { } key ? new RequestAccess(new AccessPrincipal(key.Id, key.Grants), StillHolds: () => sessions.Find(http.Request) is not null)
                : null;
        }
        catch (S3Exception refused)
        {
            await RefuseAdminAsync(http, StatusCodes.Status401Unauthorized, refused.Error);
            return;
        }

        if (access is { Principal.IsAdmin: true })
        {
            http.Features.Set(access);
            Note(http, access);
            await next(http);
            return;
        }

        await (access is null
            ? RefuseAdminAsync(http, StatusCodes.Status401Unauthorized, S3Error.AccessDenied with { Message = AskForCredentials })
            : RefuseAdminAsync(http, StatusCodes.Status403Forbidden, S3Error.AccessDenied with { Message = $"The access key {access.Principal.Name} is no admin key: it may use S3 alone." }));
    }

    /// <summary>Tells the access log who asks.</summary>
    private void Note(HttpContext http, RequestAccess access)
    {
        if (served.AccessLog is not null && http.Features.Get<AccessRecord>() is { } record) record.Principal = access.Principal.Name;
    }

    private RequestAccess VerifyAdmin(HttpContext http)
    {
        // Routes are found by the web server's idea of the path; the signature is that of the path as it was sent.
        S3Target sent = S3Target.Of(http);
        if (http.Request.Path.Value != $"/{sent.Bucket}/{sent.Key}") throw S3Error.AccessDenied.AsException();
        _refusals.RequireFewGuesses(http);
        RequestAccess access = signatures.Verify(http);
        SignedContent.Require(http.Request);
        AccessKey? key = _options.Access.Find(access.Principal.Name);
        return access with { StillHolds = () => key is not null && ReferenceEquals(_options.Access.Find(key.Id), key) };
    }

    /// <summary>True if the request shows the data folder's token and comes from this machine, where the folder is.</summary>
    private bool IsOwner(HttpContext http)
    {
        const string Scheme = "Bearer ";
        if (_ownerToken is null || http.Request.Headers.Authorization is not [{ } value] || !value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return false;
        return IsFromThisMachine(http.Connection)
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(value[Scheme.Length..]), _ownerToken);
    }

    /// <summary>What comes from the address that it goes to comes from here: elsewhere no answer to it would arrive.</summary>
    internal static bool IsFromThisMachine(ConnectionInfo connection) =>
        connection.RemoteIpAddress is { } address && (IPAddress.IsLoopback(address) || address.Equals(connection.LocalIpAddress));

    private Task RefuseAdminAsync(HttpContext http, int status, S3Error refusal)
    {
        S3Error answer = _refusals.AnswerTo(http, refusal);
        return answer == S3Error.SlowDown
            ? BlobEndpoints.FailAsync(http, answer.Status, new ErrorWire(nameof(StorageErrorKind.Unavailable), WriteOutcome.NotApplied, answer.Message, IsTransient: true))
            : RefuseAsync(http, status, answer.Message);
    }

    private Task RefuseAsync(HttpContext http, int status, string message) =>
        http.Request.Path.StartsWithSegments("/_strata", StringComparison.Ordinal)
            ? BlobEndpoints.FailAsync(http, status, new ErrorWire(nameof(StorageErrorKind.AccessDenied), WriteOutcome.NotApplied, message))
            : RefuseAsync(http, S3Error.AccessDenied with { Message = message });

    private Task RefuseAsync(HttpContext http, S3Error error)
    {
        // Else the connection of a large upload would be cut before its client has read why.
        BlobEndpoints.LiftBodyLimit(http);
        var request = new S3Request(http, RequestAccess.Nobody, served);
        http.Response.Headers["x-amz-request-id"] = request.Id;
        return request.FailAsync(error);
    }
}
