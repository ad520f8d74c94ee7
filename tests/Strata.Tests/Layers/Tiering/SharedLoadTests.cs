using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>Many readers of one cold key are one load, and each is counted as the read that it is.</summary>
public sealed class SharedLoadTests
{
    [Fact]
    public async Task A_thousand_readers_of_one_cold_key_are_one_load_and_a_thousand_reads()
    {
        await using var f = new TierFixture();
        await f.PutAsync("v", new WriteOptions { SkipTiers = ["hot"] });
        using StoreGate loading = f.Gates.Hold(StoreOperation.Read);
        Task<string?>[] readers = [.. Enumerable.Range(0, 1000).Select(_ => Task.Run(f.GetAsync))];
        await loading.WaitForArrivalAsync();
        await WaitForAsync(() => f.Store.GetTierStatistics()[0].Misses == 1000, "not all readers came");
        loading.Open();
        Assert.All(await Task.WhenAll(readers), value => Assert.Equal("v", value));
        Assert.Equal(1, f.Gates.CountOf(StoreOperation.Read));
        Assert.Equal(new TieredReads(Hits: 1000, Misses: 0), f.Store.GetReads());
    }

    [Fact]
    public async Task One_missing_read_counts_as_one_miss()
    {
        var warm = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" });
        await using var f = new TierFixture(warm: warm);
        Assert.Null(await f.GetAsync());
        Assert.Equal(new TieredReads(Hits: 0, Misses: 1), f.Store.GetReads());
    }

    [Fact]
    public async Task A_failed_load_leaves_nothing_and_the_next_reader_tries_again()
    {
        await using var f = new TierFixture();
        await f.PutAsync("v", new WriteOptions { SkipTiers = ["hot"] });
        f.Faults.Inject(StoreFault.OnNth(StoreOperation.Read, 1));
        await Assert.ThrowsAsync<StorageException>(f.GetAsync);
        Assert.Equal("v", await f.GetAsync());
    }

    [Fact]
    public async Task One_readers_cancellation_leaves_the_load_to_the_others()
    {
        await using var f = new TierFixture();
        await f.PutAsync("v", new WriteOptions { SkipTiers = ["hot"] });
        using StoreGate loading = f.Gates.Hold(StoreOperation.Read);
        using var cancel = new CancellationTokenSource();
        Task<BlobReadResult?> first = f.Store.ReadAsync(Key, null, cancel.Token).AsTask();
        await loading.WaitForArrivalAsync();
        Task<string?> second = Task.Run(f.GetAsync);
        await WaitForAsync(() => f.Store.GetTierStatistics()[0].Misses == 2, "the second reader never came");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        loading.Open();
        Assert.Equal("v", await second);
        Assert.Equal(1, f.Gates.CountOf(StoreOperation.Read));
    }

    [Fact]
    public async Task A_read_promotes_and_the_next_one_is_a_hit_in_hot()
    {
        await using var f = new TierFixture();
        await f.PutAsync("v", new WriteOptions { SkipTiers = ["hot"] });
        await f.GetAsync();
        await f.IdleAsync();
        Assert.Equal("v", await f.GetAsync());
        TierStatistics hot = f.Store.GetTierStatistics()[0];
        Assert.Equal((1, 1), (hot.Promotions, hot.Hits));
        Assert.Equal(["hot", "cold"], await f.Store.LocateAsync(Key));
        Assert.Contains(f.Store.GetEvents(), e => e is { Kind: TierEventKind.Promoted, Tier: "hot" } && e.Key == Key);
    }

    [Fact]
    public async Task Promotion_never_happens_where_it_is_turned_off()
    {
        await using var f = new TierFixture(new TieringOptions { Policy = new TieringPolicy { PromoteOnRead = false } });
        await f.PutAsync("v", new WriteOptions { SkipTiers = ["hot"] });
        await f.GetAsync();
        await f.IdleAsync();
        Assert.Null(await f.Hot.StatAsync(Key));
    }

    [Fact]
    public async Task A_hit_in_memory_through_the_tiers_allocates_nothing()
    {
        await using var f = new TierFixture();
        await f.PutAsync("v");
        IBlobStore store = f.Store;
        Read(1000);
        long least = long.MaxValue;

        // Some rounds may meet what the runtime makes once.
        for (int i = 0; i < 5; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Read(2_000);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);

        void Read(int times)
        {
            for (int i = 0; i < times; i++)
            {
                ValueTask<BlobReadResult?> read = store.ReadAsync(Key);
                Assert.True(read.IsCompletedSuccessfully);
            }
        }
    }
}
