using System.Diagnostics;
using Amazon.Runtime;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Strata.Server;

namespace Strata.Benchmarks;

/// <summary>
/// A server in a process of its own, so that it has its own heap and its own threads, as servers have: this program,
/// started again. It prints its address, and ends when its standard input does, so that it never outlives its parent.
/// </summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    /// <summary>The first argument of a process that serves; users have no need of it.</summary>
    public const string Verb = "serve-for-benchmark";

    /// <summary>The database that is in memory, of <see cref="StartKeyValuesAsync"/>.</summary>
    public const string MemoryDatabase = "memory";

    private const string Raw = "raw";
    private const string Tiers = "tiers";
    private const string SignedTiers = "signed-tiers";
    private const string UnflushedTiers = "unflushed-tiers";
    private const string KeyValues = "kv";
    private const string KeyId = "benchmark";
    private const string OtherKeyId = "other";
    private const string Secret = "no secret: a key of this machine's loopback";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly Process _process;

    private ServerProcess(Process process, Uri address)
    {
        _process = process;
        Address = address;
    }

    public Uri Address { get; }

    /// <summary>What the process has used of all cores so far, in user and system mode. The system counts it in steps of some milliseconds.</summary>
    public TimeSpan ProcessorTime => _process.TotalProcessorTime;

    /// <summary>Signs for the server of <see cref="StartSignedTiersAsync"/>.</summary>
    public static V4Signer Signer { get; } = new(KeyId, Secret);

    /// <summary>The same client's keys, for an SDK.</summary>
    public static BasicAWSCredentials Credentials { get; } = new(KeyId, Secret);

    /// <summary>Signs for the same server as another client.</summary>
    public static V4Signer OtherSigner { get; } = new(OtherKeyId, Secret);

    /// <summary>Ours: S3 over memory over a folder, with one bucket named <c>main</c>.</summary>
    public static Task<ServerProcess> StartTiersAsync(string folder) => StartAsync(Tiers, folder);

    /// <summary>The same, and it wants signatures.</summary>
    public static Task<ServerProcess> StartSignedTiersAsync(string folder) => StartAsync(SignedTiers, folder);

    /// <summary>Without signatures, and it leaves flushing to the operating system: for what is to be filled fast and then read.</summary>
    public static Task<ServerProcess> StartUnflushedTiersAsync(string folder) => StartAsync(UnflushedTiers, folder);

    /// <summary>Ours: KV databases by KV Connect, durable ones below a folder and one named <see cref="MemoryDatabase"/> in memory.</summary>
    public static Task<ServerProcess> StartKeyValuesAsync(string folder) => StartAsync(KeyValues, folder);

    /// <summary>The peer: <see cref="RawServer"/>.</summary>
    public static Task<ServerProcess> StartRawAsync(string folder) => StartAsync(Raw, folder);

    /// <summary>What the started process does.</summary>
    public static async Task<int> ServeAsync(string kind, string folder)
    {
        if (kind == Raw)
        {
            (WebApplication app, Uri address) = await RawServer.StartAsync(folder);
            await using (app) await AnnounceAsync(address);
            return 0;
        }

        if (kind == KeyValues)
        {
            IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection([new($"Strata:Kv:{MemoryDatabase}", "memory:")]).Build();
            await using StoreCatalog catalog = await StoreCatalog.OpenAsync(StrataSettings.Read(configuration, folder));
            await using StrataServer databases = await StrataServer.StartAsync(catalog, new StrataServerOptions { Listen = "127.0.0.1:0" });
            await AnnounceAsync(databases.Address);
            return 0;
        }

        DiskDurability durability = kind == UnflushedTiers ? DiskDurability.OperatingSystem : DiskDurability.Flush;
        await using var tiers = new TieredBlobStore(
        [
            new Tier { Name = "hot", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true }) },
            new Tier { Name = "cold", Store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Name = "cold", Path = folder, Durability = durability }) },
        ]);
        var stores = new Dictionary<string, IBlobStore>(StringComparer.Ordinal) { ["main"] = tiers };
        AccessKey[] keys = kind == SignedTiers ? [KeyOf(KeyId), KeyOf(OtherKeyId)] : [];
        await using StrataServer server = await StrataServer.StartAsync(stores, new StrataServerOptions { Listen = "127.0.0.1:0", Access = new AccessKeyRing(keys) });
        await AnnounceAsync(server.Address);
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private static AccessKey KeyOf(string id) => new() { Id = id, Secret = Secret, Grants = [AccessGrant.Everything] };

    private static async Task AnnounceAsync(Uri address)
    {
        Console.WriteLine(address);
        await Console.In.ReadToEndAsync();
    }

    private static async Task<ServerProcess> StartAsync(string kind, string folder)
    {
        string program = Environment.ProcessPath ?? throw new InvalidOperationException("The path of this program is not known.");
        var start = new ProcessStartInfo(program) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet") start.ArgumentList.Add(typeof(ServerProcess).Assembly.Location);
        foreach (string argument in (string[])[Verb, kind, folder]) start.ArgumentList.Add(argument);
        Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        using var patience = new CancellationTokenSource(Patience);
        string? line = await process.StandardOutput.ReadLineAsync(patience.Token);
        return line is not null ? new ServerProcess(process, new Uri(line)) : throw new InvalidOperationException("The server ended before it listened.");
    }
}
