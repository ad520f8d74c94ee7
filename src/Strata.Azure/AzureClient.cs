using System.Globalization;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Storage.Blobs;
using Azure.Storage.Sas;

namespace Strata.Azure;

/// <summary>
/// Requests to one container, by the SDK's own pipeline: it signs them and sends them. What they carry and what their answers
/// mean is told here, as the SDK's clients retry in the middle of a body and lose what the service says of conditions.
/// </summary>
internal sealed class AzureClient : IDisposable
{
    private static readonly TimeSpan SourceLifetime = TimeSpan.FromHours(24);
    private static readonly string[] StorageScopes = ["https://storage.azure.com/.default"];
    private readonly AzureAccount _account;
    private readonly string _container;
    private readonly string _version;
    private readonly HttpClient _http;
    private readonly HttpPipeline _pipeline;
    private readonly Uri _root;

    public AzureClient(AzureBlobStoreOptions options, AzureAccount account)
    {
        (_account, _container, _version) = (account, options.Container, options.ServiceVersion);
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, MaxConnectionsPerServer = 256, PooledConnectionLifetime = TimeSpan.FromMinutes(5), UseCookies = false };
        _http = new HttpClient(new RemoteSendOnce(handler)) { Timeout = Timeout.InfiniteTimeSpan };
        var settings = new BlobClientOptions { Transport = new HttpClientTransport(_http) };
        settings.Retry.MaxRetries = 0;
        settings.Retry.NetworkTimeout = Timeout.InfiniteTimeSpan;
        settings.Diagnostics.IsLoggingEnabled = false;
        BlobServiceClient service = account.Open(settings);
        _pipeline = Inner.PipelineOf(service);
        _root = new Uri($"{account.Endpoint.GetLeftPart(UriPartial.Path).TrimEnd('/')}/{_container}");
    }

    /// <summary>True if addresses can be signed.</summary>
    public bool Signs => _account.Key is not null;

    /// <summary>Sends a request.</summary>
    /// <param name="method">HTTP's.</param>
    /// <param name="name">The blob; null for the container.</param>
    /// <param name="fill">Adds query, headers and content.</param>
    /// <param name="attempt">Ends it when nothing moves.</param>
    /// <param name="streams">True to have the body as a stream, to be disposed.</param>
    /// <exception cref="AzureFailure">The answer is none of success.</exception>
    public async Task<AzureResponse> SendAsync(RequestMethod method, string? name, Action<Request>? fill, RemoteAttempt attempt, bool streams = false)
    {
        using HttpMessage message = _pipeline.CreateMessage();
        message.BufferResponse = !streams;
        message.Request.Method = method;
        message.Request.Uri.Reset(UriOf(name));
        message.Request.Headers.SetValue("x-ms-version", _version);
        fill?.Invoke(message.Request);
        await _pipeline.SendAsync(message, attempt.Token).ConfigureAwait(false);
        attempt.Progress();
        Response response = message.Response;
        if (response.Status >= 300) throw FailureOf(response);
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (HttpHeader header in response.Headers) headers[header.Name] = header.Value;
        if (streams) return new AzureResponse(response.Status, headers, default, message.ExtractResponseContent() ?? Stream.Null);
        return new AzureResponse(response.Status, headers, response.ContentStream is null ? default : response.Content.ToMemory(), null);
    }

    /// <summary>An address by which the service itself reads a blob, and the header that lets it; null for none.</summary>
    public async ValueTask<(string Address, string? Authorization)> SourceAsync(string name, CancellationToken cancellationToken)
    {
        // The signature's time is the machine's: the server compares it with its own.
        if (Signs) return (Sign(name, BlobSasPermissions.Read, TimeProvider.System.GetUtcNow() + SourceLifetime).AbsoluteUri, null);
        string address = UriOf(name).AbsoluteUri;
        if (_account.Sas is { } sas) return ($"{address}?{sas}", null);
        if (_account.Token is not { } credential) return (address, null);
        AccessToken token = await credential.GetTokenAsync(new TokenRequestContext(StorageScopes), cancellationToken).ConfigureAwait(false);
        return (address, $"Bearer {token.Token}");
    }

    /// <summary>An address that holds what it allows.</summary>
    public Uri Sign(string name, BlobSasPermissions permissions, DateTimeOffset until)
    {
        var sas = new BlobSasBuilder(permissions, until) { BlobContainerName = _container, BlobName = name, Resource = "b" };
        return new UriBuilder(UriOf(name)) { Query = sas.ToSasQueryParameters(_account.Key).ToString() }.Uri;
    }

    public void Dispose() => _http.Dispose();

    private Uri UriOf(string? name) => name is null ? _root : new Uri($"{_root.AbsoluteUri}/{string.Join('/', name.Split('/').Select(Uri.EscapeDataString))}");

    private static AzureFailure FailureOf(Response response)
    {
        response.Headers.TryGetValue("x-ms-error-code", out string? code);
        TimeSpan? pause = response.Headers.TryGetValue("Retry-After", out string? text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds)
            ? TimeSpan.FromSeconds(Math.Min(seconds, 60))
            : null;
        return new AzureFailure(response.Status, code ?? "", pause);
    }

    /// <summary>The pipeline is there for those who derive from the SDK's client.</summary>
    private sealed class Inner : BlobServiceClient
    {
        public static HttpPipeline PipelineOf(BlobServiceClient client) => GetHttpPipeline(client);
    }
}
