using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Strata.Server.Tests;

/// <summary>A server on a free port over stores in memory: <c>main</c> with three tiers, where only reads fill the upper ones, and <c>plain</c> with none.</summary>
internal sealed class ServedTiers : IAsyncDisposable
{
    private readonly IReadOnlyDictionary<string, IBlobStore> _stores;

    private ServedTiers(IReadOnlyDictionary<string, IBlobStore> stores, StrataServer server)
    {
        _stores = stores;
        Server = server;
        Http = new HttpClient { BaseAddress = server.Address };
    }

    public StrataServer Server { get; }

    public HttpClient Http { get; }

    public IBlobStore Main => _stores["main"];

    public IMultipartUploads Uploads => Main.TryGetFacet(out IMultipartUploads? uploads) ? uploads : throw new InvalidOperationException("The store takes no uploads in parts.");

    public static async Task<ServedTiers> StartAsync(int port = 0, TimeProvider? clock = null, AccessKeyRing? keys = null)
    {
        StoreContext context = clock is null ? StoreContext.Default : StoreContext.Default with { Clock = clock };
        var stores = new Dictionary<string, IBlobStore>
        {
            ["main"] = new TieredBlobStore(
                [Memory("hot", 256 << 10, evicts: true), Memory("warm", 4 << 20, evicts: true), Memory("cold", 64 << 20, evicts: false)],
                new TieringOptions { Name = "main", Writes = TieringWrites.Around },
                context),
            ["plain"] = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "plain" }, context),
        };
        return new ServedTiers(stores, await StrataServer.StartAsync(stores, new StrataServerOptions { Listen = $"127.0.0.1:{port}", Access = keys ?? new() }, context));

        Tier Memory(string name, long bytes, bool evicts) =>
            new() { Name = name, Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = name, MaxBytes = bytes, Evicts = evicts }, context) };
    }

    public async Task PutAsync(string key, string text = "some bytes", WriteOptions? options = null)
    {
        WriteResult written = await Main.WriteAsync(BlobKey.Parse(key), BlobContent.From(Encoding.UTF8.GetBytes(text)), options);
        Xunit.Assert.Equal(WriteStatus.Written, written.Status);
    }

    public async Task ReadAsync(string key)
    {
        await using BlobReadResult? read = await Main.ReadAsync(BlobKey.Parse(key));
        Xunit.Assert.NotNull(read);
    }

    public Task<JsonElement> GetAsync(string path) => Http.GetFromJsonAsync<JsonElement>(path);

    /// <summary>Waits until promotions that reads began have landed.</summary>
    public Task HoldAsync(string key, string tier) =>
        Eventually.HoldsAsync(async () => (await ((ITierInspection)Main).LocateAsync(BlobKey.Parse(key))).Contains(tier));

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Server.DisposeAsync();
        foreach (IBlobStore store in _stores.Values) await store.DisposeAsync();
    }
}
