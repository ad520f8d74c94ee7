using Xunit;

namespace Strata.Backends.Tests;

/// <summary>A store whose network fails as a test says, and one that goes past that; each test has a place of its own.</summary>
public abstract class ProxiedStoreTests(IRemoteServer server) : IAsyncLifetime
{
    protected static readonly BlobKey Key = BlobKey.Parse("dir/blob");

    protected IRemoteServer Server { get; } = server;

    protected string Place { get; private set; } = "";

    protected TcpProxy Proxy { get; private set; } = null!;

    /// <summary>Through the proxy.</summary>
    protected IBlobStore Store { get; private set; } = null!;

    protected IBlobStore Direct { get; private set; } = null!;

    /// <summary>Those of the store behind the proxy.</summary>
    protected virtual RemoteSettings Settings => new();

    public async ValueTask InitializeAsync()
    {
        Place = await Server.CreatePlaceAsync();
        Proxy = new TcpProxy(Server.Endpoint);
        Direct = await Server.OpenAsync(Place, new RemoteSettings { ProgressTimeout = TimeSpan.FromSeconds(30) });
        Store = await OpenAsync(Settings);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Store.DisposeAsync();
        await Direct.DisposeAsync();
        await Proxy.DisposeAsync();
        await Server.RemovePlaceAsync(Place);
    }

    /// <summary>One more store behind the proxy.</summary>
    protected ValueTask<IBlobStore> OpenAsync(RemoteSettings settings) => Server.OpenAsync(Place, settings with { Proxy = Proxy.Address });

    /// <summary>The server's word against a write: one request, nothing applied, no secret told.</summary>
    protected async Task AssertToldAtOnceAsync(string status, string code, StorageErrorKind kind, bool isTransient)
    {
        Proxy.FailNext(_ => true, Server.Refusing(status, code), times: 1000);
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await Store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent }));
        Assert.Equal((kind, isTransient, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
        Assert.Single(Proxy.Requests);
        Assert.DoesNotContain(Server.Secret, error.ToString(), StringComparison.Ordinal);
    }

    /// <summary>Content that can be read once, of a length that nobody knows.</summary>
    protected static BlobContent Once(byte[] bytes) => BlobContent.FromStream(new MemoryStream(bytes));

    protected static bool IsGet(string line) => line.StartsWith("GET", StringComparison.Ordinal);

    protected static bool IsPut(string line) => line.StartsWith("PUT", StringComparison.Ordinal);

    protected static bool IsDelete(string line) => line.StartsWith("DELETE", StringComparison.Ordinal);

    protected static bool IsChange(string line) => !IsGet(line) && !line.StartsWith("HEAD", StringComparison.Ordinal);

    protected static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
