using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>Memory over a tier of copies over an origin, whose calls can be counted, held and made to fail, with a database for the state.</summary>
internal sealed class TieringFixture : IAsyncDisposable
{
    public static readonly BlobKey Key = BlobKey.Parse("a/key");

    private TieringFixture(FakeClock clock, MortalDatabase state)
    {
        (Clock, State) = (clock, state);
        StoreContext context = StoreContext.Default with { Clock = clock };
        Hot = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true, MaxBytes = 64 << 20 }, context);
        WarmBlobs = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }, context);
        ColdBlobs = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" }, context);
        Warm = new LatencyStore(WarmBlobs, context);
        Cold = new LatencyStore(ColdBlobs, context);
        (WarmFaults, ColdFaults) = (new FaultStore(Warm), new FaultStore(Cold));
    }

    public FakeClock Clock { get; }

    public MemoryBlobStore Hot { get; }

    /// <summary>What tier warm keeps, without faults and gates.</summary>
    public MemoryBlobStore WarmBlobs { get; }

    /// <summary>What the origin keeps, without faults and gates.</summary>
    public MemoryBlobStore ColdBlobs { get; }

    public LatencyStore Warm { get; }

    public LatencyStore Cold { get; }

    public FaultStore WarmFaults { get; }

    public FaultStore ColdFaults { get; }

    public MortalDatabase State { get; }

    public TieredBlobStore Store { get; private set; } = null!;

    public ITiering Tiering => Store.Tiering;

    public static async Task<TieringFixture> OpenAsync(TieringOptions? options = null)
    {
        var clock = new FakeClock();
        var fixture = new TieringFixture(clock, new MortalDatabase(new MemoryKvDatabase(null, StoreContext.Default with { Clock = clock })));
        fixture.Store = await TieredBlobStore.OpenAsync(
            [new Tier { Name = "hot", Store = fixture.Hot, MaxBlobBytes = 16 << 20 }, new Tier { Name = "warm", Store = fixture.WarmFaults }, new Tier { Name = "cold", Store = fixture.ColdFaults }],
            options,
            StoreContext.Default with { Clock = clock },
            fixture.State);
        return fixture;
    }

    public static BlobKey KeyOf(int number) => BlobKey.Parse($"keys/{number:d6}");

    public async Task<BlobInfo> PutAsync(BlobKey key, string text = "value", WriteOptions? options = null)
    {
        WriteResult written = await Store.PutBytesAsync(key, TierFixture.Bytes(text), options);
        Assert.True(written.IsWritten);
        return written.Info!;
    }

    public async Task<string?> GetAsync(BlobKey key) => await Store.GetBytesAsync(key) is { } bytes ? System.Text.Encoding.UTF8.GetString(bytes) : null;

    /// <summary>The tiers that hold something of the key, right or wrong.</summary>
    public async Task<string> HeldAsync(BlobKey key)
    {
        var held = new List<string>();
        if (await Hot.StatAsync(key) is not null) held.Add("hot");
        if (await WarmBlobs.StatAsync(key) is not null) held.Add("warm");
        if (await ColdBlobs.StatAsync(key) is not null) held.Add("cold");
        return string.Join(' ', held);
    }

    public Task IdleAsync() => Eventually.HoldsAsync(() => Store.IsIdle, "promotions never came to rest");

    public ValueTask DisposeAsync() => Store.DisposeAsync();
}
