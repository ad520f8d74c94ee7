using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>Three tiers in memory, of which the second and the last can be made to fail or wait; the first is served without a question.</summary>
internal sealed class UpkeepFixture : IAsyncDisposable
{
    public UpkeepFixture(TieringOptions? options = null, IBlobStore? hot = null, Func<Tier, Tier>? adjust = null)
    {
        StoreContext context = StoreContext.Default with { Clock = Clock };
        Hot = hot ?? new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true, MaxBytes = 16 << 20 }, context);
        WarmMemory = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }, context);
        WarmGates = new LatencyStore(WarmMemory, context);
        Warm = new FaultStore(WarmGates);
        Cold = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" }, context);
        Gates = new LatencyStore(Cold, context);
        Origin = new FaultStore(Gates);
        Tier[] tiers = [new() { Name = "hot", Store = Hot }, new() { Name = "warm", Store = Warm }, new() { Name = "cold", Store = Origin }];
        Store = new TieredBlobStore([.. tiers.Select(adjust ?? (tier => tier))], options, context);
    }

    public FakeClock Clock { get; } = new();

    public IBlobStore Hot { get; }

    /// <summary>What tier warm keeps, without faults and gates.</summary>
    public MemoryBlobStore WarmMemory { get; }

    public LatencyStore WarmGates { get; }

    public FaultStore Warm { get; }

    /// <summary>What the origin keeps, without faults and gates.</summary>
    public MemoryBlobStore Cold { get; }

    public LatencyStore Gates { get; }

    public FaultStore Origin { get; }

    public TieredBlobStore Store { get; }

    public ITierUpkeep Upkeep => Store;

    public Task PutAsync(string key, string text, WriteOptions? options = null) => Store.PutBytesAsync(BlobKey.Parse(key), Bytes(text), options).AsTask();

    public async Task<string?> GetAsync(string key) => await Store.GetBytesAsync(BlobKey.Parse(key)) is { } bytes ? System.Text.Encoding.UTF8.GetString(bytes) : null;

    /// <summary>A change at the origin that this store is not told of.</summary>
    public async Task PutBehindAsync(string key, string text) => Assert.True((await Cold.PutBytesAsync(BlobKey.Parse(key), Bytes(text))).IsWritten);

    /// <summary>The tiers that hold any copy of a key.</summary>
    public async Task<string> HoldersAsync(string key)
    {
        var holders = new List<string>();
        if (await Hot.StatAsync(BlobKey.Parse(key)) is not null) holders.Add("hot");
        if (await WarmMemory.StatAsync(BlobKey.Parse(key)) is not null) holders.Add("warm");
        if (await Cold.StatAsync(BlobKey.Parse(key)) is not null) holders.Add("cold");
        return string.Join(' ', holders);
    }

    public Task IdleAsync() => WaitForAsync(() => Store.IsIdle, "promotions never came to rest");

    public ValueTask DisposeAsync() => Store.DisposeAsync();
}
