using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Strata.KvConnect;

namespace Strata.Server;

/// <summary>
/// What every call on a KV database goes through, whether it is one of KV Connect or of Strata's own: the database's name,
/// the body, and what failures are answered with.
/// </summary>
/// <remarks>
/// A client of KV Connect tries again without end what was answered with 5xx or cut off, so a 5xx says that nothing was
/// applied. What may have been applied is answered with 409, which is final: a sum must not be applied twice. What a person
/// has to mend is a 4xx too. All failures are plain text.
/// </remarks>
internal sealed class KvCalls(ServedStores served, KvCatalog databases, bool isAdmin, CancellationToken stopping)
{
    /// <summary>The body that each connection may have on its way without being counted, bytes; most requests are shorter.</summary>
    private const int SmallBody = 32 << 10;

    private readonly ILogger _log = served.Context.Loggers.CreateLogger<KvCalls>();

    /// <summary>What one call may ask for.</summary>
    public KvLimits Limits { get; } = isAdmin ? KvLimits.Embedded : KvLimits.Deno;

    public TimeProvider Clock => served.Context.Clock;

    public StoreContext Context => served.Context;

    /// <summary>Cancelled when the server is about to stop: what waits ends then, what works goes on.</summary>
    public CancellationToken Stopping => stopping;

    /// <summary>Answers without end that are under way at once.</summary>
    public int MaxWatches => served.Options.MaxConnections;

    /// <summary>Opens a database, or makes it.</summary>
    public ValueTask<IKvDatabase> OpenAsync(string name, CancellationToken cancellationToken) => databases.OpenAsync(name, MostMade, cancellationToken);

    /// <summary>Handles a call; what it throws becomes an answer.</summary>
    /// <param name="http">The request, whose route has the database's name.</param>
    /// <param name="handler">Is given the name.</param>
    public async Task RunAsync(HttpContext http, Func<string, Task> handler)
    {
        string name = (string)http.Request.RouteValues["name"]!;
        try
        {
            if (stopping.IsCancellationRequested)
            {
                await RefuseAsync(http, StatusCodes.Status503ServiceUnavailable, "The server is stopping. Nothing was applied; try again.");
                return;
            }

            if (!KvCatalog.IsName(name))
            {
                await RefuseAsync(http, StatusCodes.Status404NotFound, "No database can have this name: it has 3 to 63 of a-z, 0-9, '.' and '-', and begins and ends with a letter or digit.");
                return;
            }

            if (MostMade is { } most) databases.RequireRoom(name, most);
            await handler(name);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            await RefuseAsync(http, StatusCodes.Status400BadRequest, TextOf(e));
        }
        catch (StrataConfigurationException e)
        {
            _log.LogError(e, "The KV database {Database} cannot be opened: its setting is wrong", name);
            await RefuseAsync(http, StatusCodes.Status404NotFound, isAdmin ? e.Message : $"The database '{name}' cannot be opened: its address in the server's configuration is wrong. The server's log says how.");
        }
        catch (StorageException e)
        {
            await RefuseAsync(http, StatusOf(e), e.Message);
        }
        catch (ObjectDisposedException) when (stopping.IsCancellationRequested)
        {
            await RefuseAsync(http, StatusCodes.Status503ServiceUnavailable, "The server is stopping. Nothing was applied; try again.");
        }
        catch (Exception e) when (http.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException)
        {
            // Nobody is there to be answered.
        }
        catch (Exception e)
        {
            // Nobody foresaw it, so nobody knows what it left: a 5xx would have the client do it again.
            _log.LogError(e, "A call on the KV database {Database} broke off in a way that nobody foresaw", name);
            await RefuseAsync(http, StatusCodes.Status409Conflict, $"The call broke off; what it was to write may have been applied: {e.Message}");
        }
    }

    /// <summary>
    /// Reads a request's body. What has not arrived takes no memory, and of bodies that are not short as many are received
    /// at once as the server's limit of uploads allows, of one address and of all.
    /// </summary>
    /// <returns>Null: it is longer, or did not come, and the client has been told.</returns>
    public async Task<ReadOnlyMemory<byte>?> TryReadAsync(HttpContext http, int most)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = most;
        if (http.Request.ContentLength > most)
        {
            await RefuseAsync(http, StatusCodes.Status413PayloadTooLarge, $"The request has {http.Request.ContentLength} bytes; at most {most} are taken.");
            return null;
        }

        string client = ClientName.Of(http.Connection.RemoteIpAddress);
        bool isCounted = false;
        try
        {
            byte[] body = new byte[(int)Math.Min(http.Request.ContentLength + 1 ?? 1 << 10, SmallBody)];
            for (int length = 0; ;)
            {
                if (!isCounted && Math.Max(length, http.Request.ContentLength ?? 0) >= SmallBody)
                {
                    isCounted = served.Uploads.TryBegin(client);
                    if (!isCounted) throw new StorageException(StorageErrorKind.Unavailable, "As many long requests are on their way already as this server takes at once, of one client or of all; try again.") { IsTransient = true };
                }

                if (length == body.Length) Array.Resize(ref body, (int)Math.Min(2L * length, most + 1L));
                int read = await http.Request.Body.ReadAsync(body.AsMemory(length), http.RequestAborted);
                if (read == 0) return body.AsMemory(0, length);
                length += read;
                if (length > most)
                {
                    await RefuseAsync(http, StatusCodes.Status413PayloadTooLarge, $"The request is too long: at most {most} bytes are taken.");
                    return null;
                }
            }
        }
        catch (IOException e) when (!http.RequestAborted.IsCancellationRequested)
        {
            // Too slow, too long, or broken off; the web server does not say of each broken chunk that it is a bad request.
            await RefuseAsync(http, (e as BadHttpRequestException)?.StatusCode ?? StatusCodes.Status400BadRequest, e.Message);
            return null;
        }
        finally
        {
            if (isCounted) served.Uploads.End(client);
        }
    }

    /// <summary>Answers with a plain text; where an answer has begun, breaks it off, which no client takes for its end.</summary>
    public static Task RefuseAsync(HttpContext http, int status, string message)
    {
        if (http.Response.HasStarted)
        {
            http.Abort();
            return Task.CompletedTask;
        }

        http.Response.Clear();
        http.Response.StatusCode = status;

        // By it our client knows that a 5xx is one of these, and not of something in between.
        http.Response.Headers[Protocol.StrataHeader] = "1";
        http.Response.ContentType = "text/plain; charset=utf-8";
        http.Response.Headers.CacheControl = "no-store";
        return http.Response.WriteAsync(message, http.RequestAborted);
    }

    /// <summary>How many databases there may be before strangers can make no more; null: it is no stranger.</summary>
    private int? MostMade => isAdmin ? null : served.Options.MaxKvDatabases;

    private static int StatusOf(StorageException e) => e switch
    {
        { Outcome: WriteOutcome.Unknown } => StatusCodes.Status409Conflict,
        { Kind: StorageErrorKind.AccessDenied } => StatusCodes.Status403Forbidden,
        { Kind: StorageErrorKind.TooLarge } => StatusCodes.Status413PayloadTooLarge,
        { Kind: StorageErrorKind.Full } => StatusCodes.Status507InsufficientStorage,
        _ => StatusCodes.Status503ServiceUnavailable,
    };

    /// <summary>The message without the name of a parameter, which says nothing to a client.</summary>
    private static string TextOf(Exception e) =>
        e is ArgumentException { ParamName: { } name } ? e.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal) : e.Message;
}
