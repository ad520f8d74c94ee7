using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Strata.KvConnect;

/// <summary>The metadata that a server gave: where to send what, with which token, until when.</summary>
internal sealed record KvConnectSession(int Version, string DatabaseId, Uri Strong, Uri Eventual, string Token, DateTimeOffset ExpiresAt, bool IsStrata)
{
    /// <summary>Asks the server.</summary>
    /// <exception cref="StorageException">It cannot be reached, refuses the token, or does not speak the protocol.</exception>
    public static async Task<KvConnectSession> OpenAsync(HttpClient http, KvConnectOptions options, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, options.Url)
        {
            Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(new MetadataRequest([1, 2, 3]), MetadataJson.Default.MetadataRequest)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", options.AccessToken);
        try
        {
            using HttpResponseMessage response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
                throw new StorageException(StorageErrorKind.AccessDenied, $"The server of {options} refuses the access token.") { Store = options.Name, Operation = "open" };
            if (response.StatusCode != HttpStatusCode.OK)
                throw new StorageException(StorageErrorKind.Unavailable, $"The server of {options} answered {(int)response.StatusCode} {response.ReasonPhrase} where it should tell where the database is.") { Store = options.Name, Operation = "open", IsTransient = (int)response.StatusCode >= 500 };
            byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
            MetadataAnswer answer = JsonSerializer.Deserialize(body, MetadataJson.Default.MetadataAnswer) ?? throw new JsonException("null");
            return Of(answer, options, response.Headers.Contains(Protocol.StrataHeader));
        }
        catch (Exception e) when (e is JsonException or FormatException or NullReferenceException)
        {
            throw new StorageException(StorageErrorKind.Unavailable, $"The server of {options} does not speak KV Connect: {e.Message}", e) { Store = options.Name, Operation = "open" };
        }
    }

    /// <summary>Names the server's version and database in a request of the data path.</summary>
    public void Sign(HttpRequestMessage request)
    {
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        if (Version == Protocol.LowestVersion)
        {
            request.Headers.Add(Protocol.DomainHeader, DatabaseId);
            return;
        }

        request.Headers.Add(Protocol.VersionHeader, Version.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add(Protocol.DatabaseHeader, DatabaseId);
    }

    private static KvConnectSession Of(MetadataAnswer answer, KvConnectOptions options, bool isStrata)
    {
        if (answer.Version is < Protocol.LowestVersion or > Protocol.HighestVersion) throw new FormatException($"its version is {answer.Version}; 1 to 3 are known.");
        if (!Guid.TryParse(answer.DatabaseId, out _)) throw new FormatException("its database id is no UUID.");
        if (!DateTimeOffset.TryParse(answer.ExpiresAt, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset expires)) throw new FormatException($"its token expires at '{answer.ExpiresAt}', which is no time.");
        Uri strong = EndpointOf(Protocol.Strong) ?? throw new FormatException("it names no endpoint for consistent reads and writes.");
        return new KvConnectSession(answer.Version, answer.DatabaseId, strong, EndpointOf(Protocol.Eventual) ?? strong, answer.Token, expires, isStrata);

        Uri? EndpointOf(string consistency) => answer.Endpoints.FirstOrDefault(e => e.Consistency == consistency) is { } endpoint
            ? new Uri(options.Url, endpoint.Url.TrimEnd('/') + "/")
            : null;
    }
}
