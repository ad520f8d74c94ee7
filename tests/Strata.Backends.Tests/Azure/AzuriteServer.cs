using Azure.Storage;
using Azure.Storage.Blobs;
using Strata.Azure;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>Azurite, for all tests of a collection; each test has a container of its own. servers/azurite.sh installs, starts and stops it.</summary>
public class AzuriteServer : IAsyncLifetime, IRemoteServer
{
    public const string Account = "devstoreaccount1";

    /// <summary>That of every emulator.</summary>
    public const string AccountKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private int _containers;

    public Uri Endpoint { get; private set; } = null!;

    /// <summary>True if its data is on the disk, false if in its memory.</summary>
    protected virtual bool IsOnDisk => false;

    private protected ServerScript Script { get; } = new("azurite");

    /// <summary>The SDK's own client: other programs.</summary>
    public BlobServiceClient Client { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Endpoint = await (IsOnDisk ? Script.StartAsync("disk") : Script.StartAsync());
        Client = new BlobServiceClient(Endpoint, new StorageSharedKeyCredential(Account, AccountKey));
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Script.StopAsync();
    }

    public async Task<string> CreateContainerAsync()
    {
        string name = $"container-{Interlocked.Increment(ref _containers)}";
        await Client.CreateBlobContainerAsync(name);
        return name;
    }

    public async Task RemoveContainerAsync(string name) => await Client.DeleteBlobContainerAsync(name);

    public AzureBlobStoreOptions OptionsFor(string container) => new()
    {
        Container = container, Account = Account, AccountKey = AccountKey, Endpoint = Endpoint, BlockSize = 1 << 20, RetryDelay = TimeSpan.FromMilliseconds(10),
    };

    public string Secret => AccountKey;

    public Task<string> CreatePlaceAsync() => CreateContainerAsync();

    public Task RemovePlaceAsync(string place) => RemoveContainerAsync(place);

    public ValueTask<IBlobStore> OpenAsync(string place, RemoteSettings settings) => new(AzureBlobStore.Open(
        OptionsFor(place) with
        {
            Endpoint = settings.Proxy is { } proxy ? new Uri(proxy, Account) : Endpoint, MaxAttempts = settings.MaxAttempts, ProgressTimeout = settings.ProgressTimeout,
            ServerWorkTimeout = settings.ServerWorkTimeout, RetryDelay = settings.RetryDelay, BlockSize = settings.PartSize, Parallelism = settings.Parallelism,
        },
        settings.Context));

    public string BusyCode => "ServerBusy";

    public string ExpiredCode => "AuthenticationFailed";

    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string> { ["AZURE_STORAGE_ACCOUNT"] = Account, ["AZURE_STORAGE_KEY"] = AccountKey };

    public string UrlOf(string place) => $"azure://{place}?account={Account}&endpoint={Endpoint.AbsoluteUri}";

    public TcpFault Refusing(string status, string code, string headers = "") =>
        new() { Answer = $"HTTP/1.1 {status}\r\nx-ms-error-code: {code}\r\nContent-Length: 0\r\nConnection: close\r\n{headers}\r\n" };

    /// <summary>Azure knows no uploads, only blocks without a blob, which it drops by itself.</summary>
    public Task<int> UnfinishedAsync(string place) => Task.FromResult(0);

    public bool IsPart(string line) => line.StartsWith("PUT", StringComparison.Ordinal) && line.Contains("comp=block&", StringComparison.Ordinal);

    public bool IsJoin(string line) => line.StartsWith("PUT", StringComparison.Ordinal) && line.Contains("comp=blocklist", StringComparison.Ordinal);
}

/// <summary>One Azurite for its tests, one after the other.</summary>
[CollectionDefinition(nameof(AzuriteServer))]
public sealed class AzuriteCollection : ICollectionFixture<AzuriteServer>;
