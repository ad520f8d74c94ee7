using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Strata.Server;

namespace Strata.Cli;

/// <summary>The way to one server: its address, its token, and how its answers become values and exceptions.</summary>
internal sealed class ServedConnection : IDisposable
{
    // Metadata of a blob travels in a header; at its limit and in the worst spelling it has some 64 KiB.
    private const int MaxHeaderKilobytes = 256;

    private readonly HttpClient _http;

    /// <param name="address">Where the server listens.</param>
    /// <param name="token">Its data folder's token, or null.</param>
    /// <param name="isKnown">True for the SHA-256 of a certificate that is the server's, whoever has signed it; null for what the system trusts.</param>
    public ServedConnection(Uri address, string? token, Func<string, bool>? isKnown = null)
    {
        Address = address;
        var tls = new SslClientAuthenticationOptions();
        if (isKnown is not null)
        {
            tls.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                certificate is not null && isKnown(Convert.ToHexStringLower(SHA256.HashData(certificate.GetRawCertData())));
        }

        _http = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = tls,
            UseProxy = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            #pragma warning disable CA2262 // The analyzer doubts a great number; the unit is kilobytes indeed.
            MaxResponseHeadersLength = MaxHeaderKilobytes,
#pragma warning restore CA2262
            ConnectTimeout = TimeSpan.FromSeconds(10),
            Expect100ContinueTimeout = TimeSpan.FromSeconds(10),
        })
        {
            BaseAddress = address,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        if (token is not null) _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>Where the server listens.</summary>
    public Uri Address { get; }

    /// <summary>A request under <c>/_strata/v1/</c>.</summary>
    public HttpRequestMessage Request(HttpMethod method, string path) => new(method, new Uri(Address, "/_strata/v1/" + path));

    /// <summary>Sends, and returns once the headers of the answer are there; an error of the server is thrown as what it was.</summary>
    /// <param name="request">Disposed.</param>
    /// <param name="failed">What a broken connection means for what was asked.</param>
    /// <param name="operation">For messages.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, WriteOutcome failed, string operation, CancellationToken cancellationToken)
    {
        using (request)
        {
            HttpResponseMessage response;
            try
            {
                response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            }
            catch (HttpRequestException e)
            {
                throw Map(e, failed, operation);
            }

            if (!response.Headers.TryGetValues(BlobWire.ErrorHeader, out IEnumerable<string>? error) && IsAnswer(response.StatusCode)) return response;
            using (response)
            {
                throw error is not null
                    ? BlobWire.FromHeader(string.Concat(error), BlobWire.Context.ErrorWire, BlobWire.ErrorHeader).ToException()
                    : Unavailable($"The server at {Address} answered {(int)response.StatusCode} {response.ReasonPhrase} to {operation}.", failed, operation);
            }
        }
    }

    /// <summary>Sends, and reads the answer's JSON.</summary>
    public async ValueTask<T> SendAsync<T>(
        HttpRequestMessage request, JsonTypeInfo<T> type, WriteOutcome failed, string operation, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(request, failed, operation, cancellationToken);
        return await ReadAsync(response, type, failed, operation, cancellationToken);
    }

    /// <summary>Reads an answer's JSON.</summary>
    public async ValueTask<T> ReadAsync<T>(
        HttpResponseMessage response, JsonTypeInfo<T> type, WriteOutcome failed, string operation, CancellationToken cancellationToken)
    {
        try
        {
            await using Stream body = await response.Content.ReadAsStreamAsync(cancellationToken);
            return await JsonSerializer.DeserializeAsync(body, type, cancellationToken)
                ?? throw Unavailable($"The server at {Address} answered null to {operation}.", failed, operation);
        }
        catch (Exception e) when (e is JsonException or IOException)
        {
            throw Unavailable($"The answer of the server at {Address} to {operation} broke off: {e.Message}", failed, operation, e);
        }
    }

    /// <summary>A value as a request's body.</summary>
    public static ByteArrayContent Json<T>(T value, JsonTypeInfo<T> type) =>
        new(JsonSerializer.SerializeToUtf8Bytes(value, type)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };

    public void Dispose() => _http.Dispose();

    private static bool IsAnswer(HttpStatusCode status) => (int)status is (>= 200 and < 300) or 304 or 404 or 409 or 412 or 416;

    private StorageException Map(HttpRequestException e, WriteOutcome failed, string operation)
    {
        // The content's own failure (a wrong length, an unreadable file) comes wrapped; it is what the caller must see.
        for (Exception? inner = e.InnerException; inner is not null; inner = inner.InnerException)
        {
            if (inner is StorageException own) return own;
            if (inner is ContentReadException read) throw read.InnerException!;
        }

        if (e.HttpRequestError == HttpRequestError.SecureConnectionError)
            return Unavailable($"The server at {Address} does not show the certificate that its data folder names; or the connection is not encrypted: {e.InnerException?.Message ?? e.Message}", WriteOutcome.NotApplied, operation, e);
        return e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
            ? Unavailable($"The server at {Address} does not answer. Is it still running? Start it with 'strata serve'.", WriteOutcome.NotApplied, operation, e)
            : Unavailable($"The connection to the server at {Address} broke during {operation}: {e.InnerException?.Message ?? e.Message}", failed, operation, e);
    }

    private static StorageException Unavailable(string message, WriteOutcome outcome, string operation, Exception? inner = null) =>
        new(StorageErrorKind.Unavailable, message, inner) { Outcome = outcome, IsTransient = true, Operation = operation };
}
