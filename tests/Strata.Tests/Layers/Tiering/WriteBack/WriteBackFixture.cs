using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>A pair over a simulated disk, above an origin in memory that outlives it and can be made to fail or to wait.</summary>
public abstract class WriteBackFixture : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private int _opened;

    protected WriteBackFixture()
    {
        Context = new StoreContext { Clock = Clock };
        Origin = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" }, Context);
        Gates = new LatencyStore(new DistantStore(Origin, outlivesOwner: true));
        Faults = new FaultStore(Gates);
    }

    protected static BlobKey Key { get; } = BlobKey.Parse("a/key");

    private protected FakeClock Clock { get; } = new();

    private protected StoreContext Context { get; }

    /// <summary>What the origin holds, without faults and gates.</summary>
    private protected MemoryBlobStore Origin { get; }

    private protected LatencyStore Gates { get; }

    private protected FaultStore Faults { get; set; }

    private protected SimulatedDisk Disk { get; set; } = new();

    private protected WriteBackBlobStore Store { get; private set; } = null!;

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        Faults.Heal();
        if (Store is not null) await CloseAsync();
        await Origin.DisposeAsync();
        _folder.Dispose();
    }

    private protected async Task OpenAsync(TieringOptions? options = null, DiskBlobStoreOptions? warm = null, long? maxBlobBytes = null, IBlobStore? origin = null)
    {
        warm ??= new DiskBlobStoreOptions { Path = "" };
        var disk = await DiskBlobStore.OpenAsync(warm with { Name = "warm", Path = _folder.Sub($"{_opened++}"), Disk = Disk }, Context);
        Store = await WriteBackBlobStore.OpenAsync(
            new Tier { Name = "warm", Store = disk, MaxBlobBytes = maxBlobBytes }, new Tier { Name = "cold", Store = origin ?? Faults }, options, Context);
    }

    private protected async Task CloseAsync()
    {
        try
        {
            await Store.DisposeAsync();
        }
        catch (Exception e) when (Disk.IsStopped && e is SimulatedCrashException or StorageException)
        {
            // The process has ended already.
        }
    }

    private protected async Task ReopenAsync(SimulatedDisk? disk = null)
    {
        await CloseAsync();
        Disk = disk ?? Disk;
        await OpenAsync();
    }

    private protected Task PutAsync(string text) => PutAsync(Key, text);

    private protected async Task PutAsync(BlobKey key, string text) => Assert.True((await Store.PutBytesAsync(key, Encoding.UTF8.GetBytes(text))).IsWritten);

    private protected Task<string?> GetAsync() => GetAsync(Store, Key);

    private protected static async Task<string?> GetAsync(IBlobStore store, BlobKey key) => await store.GetBytesAsync(key) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    private protected Task<string?> AtOriginAsync() => GetAsync(Origin, Key);

    /// <summary>Nothing is pending any more, in memory and in the rows.</summary>
    private protected Task DrainedAsync() => Eventually.HoldsAsync(() => Store.GetStatus().Pending == 0, () => $"Something stays pending: {Store.GetStatus()}");
}
