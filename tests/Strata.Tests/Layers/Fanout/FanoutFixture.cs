using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>A fan-out over stores in memory that a test can break.</summary>
internal sealed class FanoutFixture : IAsyncDisposable
{
    private FanoutFixture(FaultStore[] stores, MemoryBlobStore[] memory, FakeClock clock) => (Stores, Memory, Clock) = (stores, memory, clock);

    public FaultStore[] Stores { get; }

    public MemoryBlobStore[] Memory { get; }

    public FakeClock Clock { get; }

    public FanoutBlobStore Store { get; private set; } = null!;

    /// <param name="count">Stores; all but the last <paramref name="readOnly"/> are written.</param>
    /// <param name="options">Settings.</param>
    /// <param name="readOnly">How many are only read.</param>
    /// <param name="prepare">What is done with the stores and the state before the opening.</param>
    public static async Task<FanoutFixture> OpenAsync(int count, FanoutOptions options, int readOnly = 0, Func<MemoryBlobStore[], IKvDatabase, Task>? prepare = null)
    {
        var clock = new FakeClock();
        var context = new StoreContext { Clock = clock };
        MemoryBlobStore[] memory = [.. Enumerable.Range(0, count).Select(i => new MemoryBlobStore(new MemoryBlobStoreOptions { Name = $"s{i}" }, context))];
        FaultStore[] stores = [.. memory.Select(store => new FaultStore(store))];
        FanoutLayer[] layers = [.. stores.Select((store, i) => new FanoutLayer { Name = $"n{i}", Store = store })];
        var state = new MemoryKvDatabase(null, context);
        if (prepare is not null) await prepare(memory, state);
        return new FanoutFixture(stores, memory, clock) { Store = await FanoutBlobStore.OpenAsync(layers, layers[..^readOnly], options, context, state) };
    }

    public static BlobKey Key(string text) => BlobKey.Parse(text);

    public async Task<string?> ReadAsync(string key) => TextOf(await Store.GetBytesAsync(Key(key)));

    public async Task<string?> HeldAsync(int store, string key) => TextOf(await Memory[store].GetBytesAsync(Key(key)));

    public async Task<BlobInfo> PutAsync(string key, string text)
    {
        WriteResult written = await Store.PutBytesAsync(Key(key), Encoding.UTF8.GetBytes(text));
        Assert.True(written.IsWritten);
        return written.Info!;
    }

    public async Task<List<string>> KeysAsync()
    {
        var keys = new List<string>();
        await foreach (BlobInfo info in Store.EnumerateAsync()) keys.Add(info.Key.Value);
        return keys;
    }

    /// <summary>Waits until every layer has what it missed, whatever attempts have to wait for.</summary>
    public Task RepairedAsync() => Eventually.HoldsAsync(() =>
    {
        Clock.Advance(TimeSpan.FromSeconds(10));
        return Store.GetLayers().All(layer => layer.Pending == 0);
    }, () => "Not all layers have what they missed: " + string.Join("; ", Store.GetLayers()));

    public ValueTask DisposeAsync() => Store.DisposeAsync();

    private static string? TextOf(byte[]? bytes) => bytes is null ? null : Encoding.UTF8.GetString(bytes);
}
