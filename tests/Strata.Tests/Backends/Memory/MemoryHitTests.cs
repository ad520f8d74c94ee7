using Xunit;

namespace Strata.Tests;

/// <summary>What a hit in memory costs: every hot read pays it.</summary>
public sealed class MemoryHitTests
{
    private const int Reads = 1_000;
    private static readonly DateTimeOffset Late = new(2100, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly BlobKey Plain = BlobKey.Parse("plain/ä"), Expiring = BlobKey.Parse("expiring");

    [Fact]
    public async Task A_hit_allocates_nothing_by_the_facet_through_the_contract_and_through_the_tiers()
    {
        var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true });
        await using var tiers = new TieredBlobStore([new Tier { Name = "hot", Store = store }, new Tier { Name = "cold", Store = new MemoryBlobStore() }]);
        await FillAsync(tiers);
        foreach (BlobKey key in (BlobKey[])[Plain, Expiring])
        {
            Assert.Equal(0, AllocatedBy(() => store.TryRead(key, out _)));
            Assert.Equal(0, AllocatedBy(() => IsDone(store.ReadAsync(key))));
            Assert.Equal(0, AllocatedBy(() => tiers.TryRead(key, out _)));
            Assert.Equal(0, AllocatedBy(() => IsDone(tiers.ReadAsync(key))));
            Assert.Equal(0, AllocatedBy(() => store.TryGetActivity(key, out _)));
        }

        Assert.True(tiers.GetTierStatistics()[0].Hits >= 4 * Reads, "the reads were no hits of the tier");
    }

    [Fact]
    public async Task The_clock_is_read_only_where_an_expiry_is_set()
    {
        var clock = new CountingClock();
        await using var store = new MemoryBlobStore(context: StoreContext.Default with { Clock = clock });
        await FillAsync(store);
        int before = clock.Reads;
        for (int i = 0; i < Reads; i++) Assert.True(store.TryRead(Plain, out _));
        Assert.InRange(clock.Reads - before, 0, Reads / 10);
        before = clock.Reads;
        for (int i = 0; i < Reads; i++) Assert.True(store.TryRead(Expiring, out _));
        Assert.True(clock.Reads - before >= Reads, "an expiring blob was served without a look at the clock");
    }

    private static async Task FillAsync(IBlobStore store)
    {
        await store.PutBytesAsync(Plain, new byte[100]);
        await store.WriteAsync(Expiring, BlobContent.From(new byte[100]), new WriteOptions { Expires = Late });
    }

    private static bool IsDone(ValueTask<BlobReadResult?> read) => read.IsCompletedSuccessfully;

    /// <summary>Bytes that many reads allocate on this thread, once the first have compiled what they need.</summary>
    private static long AllocatedBy(Func<bool> read)
    {
        int hits = 0;
        for (int i = 0; i < Reads; i++) hits += read() ? 1 : 0;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Reads; i++) hits += read() ? 1 : 0;
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(2 * Reads, hits);
        return allocated;
    }

    private sealed class CountingClock : TimeProvider
    {
        private int _reads;

        public int Reads => Volatile.Read(ref _reads);

        public override DateTimeOffset GetUtcNow()
        {
            Interlocked.Increment(ref _reads);
            return base.GetUtcNow();
        }
    }
}
