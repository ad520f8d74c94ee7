using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Strata.KvConnect;

/// <summary>Asks a server where a database is: the first part of the protocol.</summary>
internal static class MetadataExchange
{
    private const int MaxRedirects = 5, MaxAnswer = 1 << 20;
    private static readonly byte[] Question = JsonSerializer.SerializeToUtf8Bytes(new MetadataRequest([1, 2, 3]), MetadataJson.Default.MetadataRequest);

    /// <summary>Asks, and follows redirects, as far as the token may be shown there.</summary>
    /// <exception cref="StorageException">The server cannot be reached, refuses the token, or does not speak the protocol.</exception>
    public static async Task<KvConnectSession> AskAsync(KvConnectTransport transport, KvConnectOptions options, TimeProvider clock, bool followsRefusal, CancellationToken cancellationToken)
    {
        Uri address = options.Url;
        for (int redirects = 0; ; redirects++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(Question) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } } };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", options.AccessToken);
            Answer answer = await transport.SendAsync(request, "open", WriteOutcome.NotApplied, ReadAsync, cancellationToken).ConfigureAwait(false);
            if (answer.Body is { } body) return Read(body, answer, address, options, clock, followsRefusal);
            if (redirects == MaxRedirects) throw Failed(options, $"The server of {options} redirects without end.");
            Uri next = Uri.TryCreate(address, answer.Next, out Uri? found) ? found : throw Failed(options, $"The server of {options} redirects to no address.");
            if (!KvConnectSession.MayShow(address, next)) throw new StorageException(StorageErrorKind.AccessDenied, $"The server of {options} redirects to {next.Scheme}://{next.Authority}, where the token would be sent in clear; it was not sent.") { Store = options.Name, Operation = "open" };
            address = next;
        }

        async Task<Answer> ReadAsync(HttpResponseMessage response, CancellationToken token)
        {
            bool isStrata = response.Headers.Contains(Protocol.StrataHeader);
            if (response.StatusCode == HttpStatusCode.OK) return new Answer(await transport.ReadAsync(response, "open", WriteOutcome.NotApplied, MaxAnswer, token).ConfigureAwait(false), null, response.Headers.Date, isStrata);
            if (response.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.RedirectMethod or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect) return new Answer(null, response.Headers.Location, null, isStrata);
            throw await transport.RefusalAsync(response, null, "open", WriteOutcome.NotApplied, token).ConfigureAwait(false);
        }
    }

    private static KvConnectSession Read(ReadOnlyMemory<byte> body, Answer answer, Uri address, KvConnectOptions options, TimeProvider clock, bool followsRefusal)
    {
        try
        {
            MetadataAnswer metadata = JsonSerializer.Deserialize(body.Span, MetadataJson.Default.MetadataAnswer) ?? throw new JsonException("it is null");
            return KvConnectSession.Of(metadata, address, answer.Told, clock, answer.IsStrata, followsRefusal);
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw Failed(options, $"The server of {options} does not speak KV Connect as it should: {e.Message}.", e);
        }
    }

    private static StorageException Failed(KvConnectOptions options, string message, Exception? inner = null) => new(StorageErrorKind.Unavailable, message, inner) { Store = options.Name, Operation = "open" };

    /// <summary>The metadata, or where else to ask.</summary>
    private sealed record Answer(ReadOnlyMemory<byte>? Body, Uri? Next, DateTimeOffset? Told, bool IsStrata);
}
