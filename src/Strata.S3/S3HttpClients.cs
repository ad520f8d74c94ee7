using Amazon.Runtime;

namespace Strata.S3;

/// <summary>The connections of all stores, as the SDK's own are shared too, without the repetitions that .NET makes by itself (<see cref="RemoteSendOnce"/>).</summary>
internal sealed class S3HttpClients : HttpClientFactory
{
    private static readonly HttpClient Shared = new(new RemoteSendOnce(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, MaxConnectionsPerServer = 256, PooledConnectionLifetime = TimeSpan.FromMinutes(5), UseCookies = false,
    }))
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    public override HttpClient CreateHttpClient(IClientConfig clientConfig) => Shared;

    public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

    public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;
}
