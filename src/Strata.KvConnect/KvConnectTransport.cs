using System.Net;
using System.Net.Http.Headers;
using System.Reflection;
using System.Text;

namespace Strata.KvConnect;

/// <summary>
/// Carries requests: each ends in time, no answer is longer than it may be, and what goes wrong is told as what it means for
/// the caller.
/// </summary>
/// <remarks><c>https:</c> is spoken by HTTP/2 where the server offers it; <c>http:</c> by HTTP/1.1, as nothing says beforehand whether the other side knows more.</remarks>
internal sealed class KvConnectTransport(HttpMessageHandler handler, KvConnectOptions options, TimeProvider clock) : IDisposable
{
    /// <summary>Bytes of a refusal that are read, and characters of it that are told.</summary>
    private const int MaxRefusal = 4 << 10, MaxTold = 500;

    private const int FirstBuffer = 16 << 10;
    private static readonly TimeSpan LongestConnect = TimeSpan.FromSeconds(10), LongestIdle = TimeSpan.FromSeconds(30), ConnectionLife = TimeSpan.FromMinutes(5);
    private static readonly ProductInfoHeaderValue Agent = new("Strata", typeof(KvConnectTransport).Assembly.GetCustomAttribute<AssemblyFileVersionAttribute>()?.Version ?? "0");

    private readonly HttpClient _http = new(handler) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>How connections are made unless the caller has a way of its own: to where names point now, and without redirects, which would show the token.</summary>
    public static SocketsHttpHandler HandlerFor(KvConnectOptions options) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.All,
        ConnectTimeout = options.Timeout < LongestConnect ? options.Timeout : LongestConnect,
        PooledConnectionLifetime = ConnectionLife,

        // A server that closes an idle connection just as a write is sent leaves its outcome unknown: the client is to be first.
        PooledConnectionIdleTimeout = LongestIdle,
        EnableMultipleHttp2Connections = true,
    };

    /// <summary>Sends a request and reads what comes back, both within the time that the options allow.</summary>
    /// <param name="request">The request.</param>
    /// <param name="operation">What it is called in errors.</param>
    /// <param name="broken">What it means if the answer is lost.</param>
    /// <param name="read">Reads the answer.</param>
    /// <param name="cancellationToken">Ends it; not to be used for what must not be left undecided.</param>
    public async Task<T> SendAsync<T>(HttpRequestMessage request, string operation, WriteOutcome broken, Func<HttpResponseMessage, CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        Prepare(request);
        using var deadline = new CancellationTokenSource(options.Timeout, clock);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ends.Token).ConfigureAwait(false);
            return await read(response, ends.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw Broken(e, operation, broken);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw TimedOut(e, operation, deadline.IsCancellationRequested ? broken : WriteOutcome.NotApplied);
        }
    }

    /// <summary>Sends a request whose answer goes on for as long as it is read.</summary>
    public Task<HttpResponseMessage> OpenAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Prepare(request);
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        return _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    /// <summary>Reads an answer.</summary>
    /// <exception cref="StorageException">It is longer than <paramref name="most"/> bytes.</exception>
    public async Task<ReadOnlyMemory<byte>> ReadAsync(HttpResponseMessage response, string operation, WriteOutcome broken, long most, CancellationToken cancellationToken)
    {
        Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            byte[] buffer = new byte[Math.Min(FirstBuffer, most + 1)];
            for (int length = 0; ;)
            {
                int read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
                if (read == 0) return buffer.AsMemory(0, length);
                length += read;
                if (length > most) throw new StorageException(StorageErrorKind.Corrupt, $"The server of {options} answered more than the {most} bytes that its answer can have.") { Store = options.Name, Operation = operation, Outcome = broken };
                if (length == buffer.Length) Array.Resize(ref buffer, (int)Math.Min(2L * length, most + 1));
            }
        }
    }

    /// <summary>What any answer but 200 means.</summary>
    /// <param name="response">The answer.</param>
    /// <param name="session">With whose token it was asked; null: with the options'.</param>
    /// <param name="operation">What was asked.</param>
    /// <param name="broken">What it means where the answer does not say that nothing was done.</param>
    /// <param name="cancellationToken">Ends the reading of the answer's text.</param>
    public async Task<Exception> RefusalAsync(HttpResponseMessage response, KvConnectSession? session, string operation, WriteOutcome broken, CancellationToken cancellationToken)
    {
        HttpStatusCode status = response.StatusCode;
        string message = $"The server of {options} answered {(int)status}: {await TextOf(response, session, cancellationToken).ConfigureAwait(false)}";
        if (status == HttpStatusCode.BadRequest && session is not null) return new ArgumentException(message);
        bool isStrata = response.Headers.Contains(Protocol.StrataHeader);
        return new StorageException(KindOf(status), message, new HttpRequestException(message, null, status))
        {
            Store = options.Name,
            Operation = operation,
            IsTransient = status switch
            {
                HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => session is { MayBeRenewed: true },
                HttpStatusCode.TooManyRequests => true,
                HttpStatusCode.InsufficientStorage => false,
                _ => (int)status >= 500,
            },
            Outcome = (int)status switch
            {
                // Strata says by 409 that nobody knows, and by 5xx that nothing was done; others say neither.
                (int)HttpStatusCode.Conflict or < 300 => broken,
                >= 500 when !isStrata => broken,
                _ => WriteOutcome.NotApplied,
            },
        };
    }

    /// <summary>What a connection that broke means.</summary>
    public StorageException Broken(Exception e, string operation, WriteOutcome broken)
    {
        // Where no connection was made, nothing was sent.
        bool isUnsent = e is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError };
        string what = isUnsent ? "cannot be reached" : "broke off";
        return new StorageException(StorageErrorKind.Unavailable, $"The server of {options} {what}: {e.Message}", e) { Store = options.Name, Operation = operation, IsTransient = true, Outcome = isUnsent ? WriteOutcome.NotApplied : broken };
    }

    /// <summary>What silence means.</summary>
    public StorageException TimedOut(Exception e, string operation, WriteOutcome broken) =>
        new(StorageErrorKind.Timeout, $"The server of {options} has not answered in time ({options.Timeout}).", e) { Store = options.Name, Operation = operation, IsTransient = true, Outcome = broken };

    public void Dispose() => _http.Dispose();

    private static void Prepare(HttpRequestMessage request)
    {
        request.Headers.UserAgent.Add(Agent);
        request.Version = request.RequestUri!.Scheme == Uri.UriSchemeHttps ? HttpVersion.Version20 : HttpVersion.Version11;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionOrLower;
    }

    private static StorageErrorKind KindOf(HttpStatusCode status) => status switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => StorageErrorKind.AccessDenied,
        HttpStatusCode.RequestEntityTooLarge => StorageErrorKind.TooLarge,
        HttpStatusCode.InsufficientStorage => StorageErrorKind.Full,
        HttpStatusCode.TooManyRequests or HttpStatusCode.Conflict or HttpStatusCode.NotFound => StorageErrorKind.Unavailable,
        _ => (int)status >= 500 ? StorageErrorKind.Unavailable : StorageErrorKind.Unsupported,
    };

    /// <summary>The beginning of what the server says, without the tokens, should it repeat them.</summary>
    private async Task<string> TextOf(HttpResponseMessage response, KvConnectSession? session, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[MaxRefusal];
        int length = 0;
        try
        {
            Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false)) length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // The status has come, and says enough.
        }

        string text = Encoding.UTF8.GetString(bytes, 0, length).Replace(options.AccessToken, "(token)", StringComparison.Ordinal);
        if (session is not null) text = text.Replace(session.Token, "(token)", StringComparison.Ordinal);
        return text.Length > MaxTold ? text[..MaxTold] : text;
    }
}
