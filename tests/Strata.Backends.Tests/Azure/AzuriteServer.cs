using System.Diagnostics;
using Azure.Storage;
using Azure.Storage.Blobs;
using Strata.Azure;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>Azurite, for all tests of a collection; each test has a container of its own. servers/azurite.sh installs, starts and stops it.</summary>
public sealed class AzuriteServer : IAsyncLifetime, IRemoteServer
{
    public const string Account = "devstoreaccount1";

    /// <summary>That of every emulator.</summary>
    public const string AccountKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"strata-azurite-{Guid.NewGuid():n}");
    private int _containers;

    public Uri Endpoint { get; private set; } = null!;

    /// <summary>The SDK's own client: other programs.</summary>
    public BlobServiceClient Client { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await RunAsync("install");
        await RunAsync("start", _folder, Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Endpoint = new Uri((await File.ReadAllTextAsync(Path.Combine(_folder, "endpoint"))).Trim());
        Client = new BlobServiceClient(Endpoint, new StorageSharedKeyCredential(Account, AccountKey));
    }

    public async ValueTask DisposeAsync() => await RunAsync("stop", _folder);

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

    /// <summary>Azure knows no uploads, only blocks without a blob, which it drops by itself.</summary>
    public Task<int> UnfinishedAsync(string place) => Task.FromResult(0);

    public bool IsPart(string line) => line.StartsWith("PUT", StringComparison.Ordinal) && line.Contains("comp=block&", StringComparison.Ordinal);

    public bool IsJoin(string line) => line.StartsWith("PUT", StringComparison.Ordinal) && line.Contains("comp=blocklist", StringComparison.Ordinal);

    private static async Task RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "servers", "azurite.sh"));
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        string errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"azurite.sh {arguments[0]}: {errors}");
    }
}

/// <summary>One Azurite for its tests, one after the other.</summary>
[CollectionDefinition(nameof(AzuriteServer))]
public sealed class AzuriteCollection : ICollectionFixture<AzuriteServer>;
