using System.Buffers;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>
/// What a hit costs besides its look-up: nothing. A byte allocated or a clock read on each hit is paid by every request of
/// a hot path, and shows in no functional test.
/// </summary>
public sealed class MemoryHitTests
{
    private static readonly BlobKey Missing = BlobKey.Parse("nothing/here");

    [Theory]
    [InlineData("store")]
    [InlineData("strict store")]
    [InlineData("tiers")]
    [InlineData("tiers over tiers")]
    [InlineData("tiers of fresh copies")]
    public async Task A_hit_allocates_nothing_whatever_the_entry_is_like(string stack)
    {
        await using IBlobStore store = Open(stack, new StoreContext());
        Assert.True(store.TryGetFacet(out ISharedReads? shared));
        (BlobKey Key, WriteOptions? Options)[] entries =
        [
            (BlobKey.Parse("plain"), null),
            (BlobKey.Parse("nicht/schlüßel/😀"), null),
            (BlobKey.Parse("expiring"), new WriteOptions { Expires = TimeProvider.System.GetUtcNow().AddHours(1) }),
            (BlobKey.Parse("described"), new WriteOptions { ContentType = "text/plain", ETag = "own", Metadata = new Dictionary<string, string> { ["name"] = "value" } }),
        ];
        foreach ((BlobKey key, WriteOptions? options) in entries)
        {
            await store.PutBytesAsync(key, new byte[100], options);
            await store.PutBytesAsync(key, new byte[200], options);
            Assert.NotNull(await store.GetBytesAsync(key));
        }

        int hits = 0;
        Assert.Equal(0, LeastAllocated(() => hits = Hit(store, shared, entries, 10_000)));
        Assert.Equal(2 * 10_000 * entries.Length, hits);
        if (store is TieredBlobStore tiers) Assert.True(tiers.Tracker.GetStatistics() is { Keys: 4 } noted && tiers.Tracker.UseOf(entries[0].Key).Accesses > 100, "the hits that were measured were not noted");
        if (store is IReadActivity activity) Assert.Equal(0, LeastAllocated(() => activity.TryGetActivity(entries[0].Key, out _)));
    }

    /// <summary>Of many blobs, where trust lapses, some would push each other out of what hits look at; and the tracker has a ring for each thread.</summary>
    [Theory]
    [InlineData("tiers")]
    [InlineData("tiers of fresh copies")]
    public async Task Hits_by_two_threads_at_once_allocate_nothing(string stack)
    {
        await using IBlobStore store = Open(stack, new StoreContext());
        Assert.True(store.TryGetFacet(out ISharedReads? shared));
        (BlobKey Key, WriteOptions? Options)[] entries = [.. Enumerable.Range(0, 5_000).Select(i => (BlobKey.Parse($"many/{i}"), (WriteOptions?)null))];
        foreach ((BlobKey key, _) in entries)
        {
            await store.PutBytesAsync(key, new byte[200]);
            Assert.NotNull(await store.GetBytesAsync(key));
        }

        using var together = new Barrier(2);
        Task<(long Allocated, int Hits)>[] threads = [.. Enumerable.Range(0, 2).Select(_ => Task.Factory.StartNew(Measure, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        foreach ((long allocated, int hits) in await Task.WhenAll(threads)) Assert.Equal((0, 2 * 4 * entries.Length), (allocated, hits));
        Assert.Equal(entries.Length, ((TieredBlobStore)store).Tracker.GetStatistics().Keys);

        (long, int) Measure()
        {
            int hits = 0;
            Assert.True(together.SignalAndWait(TimeSpan.FromMinutes(1)), "the other thread has not begun");
            long least = LeastAllocated(() => hits = Hit(store, shared, entries, 4));
            return (least, hits);
        }
    }

    [Fact]
    public async Task A_miss_allocates_nothing_either()
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true });
        BlobKey deleted = BlobKey.Parse("deleted");
        await store.PutBytesAsync(deleted, new byte[1]);
        await store.DeleteAsync(deleted);
        int misses = 0;
        Assert.Equal(0, LeastAllocated(Miss));
        Assert.Equal(5 * 3 * 10_000, misses);

        void Miss()
        {
            for (int i = 0; i < 10_000; i++)
            {
                if (!store.TryRead(Missing, out _)) misses++;
                if (!store.TryRead(deleted, out _)) misses++;
                if (!IsHit(store.ReadAsync(Missing))) misses++;
            }
        }
    }

    [Theory]
    [InlineData("store")]
    [InlineData("strict store")]
    [InlineData("tiers")]
    [InlineData("tiers over tiers")]
    public async Task A_hit_reads_the_clock_only_where_an_expiry_is_set(string stack)
    {
        var clock = new CountingClock();
        await using IBlobStore store = Open(stack, StoreContext.Default with { Clock = clock });
        Assert.True(store.TryGetFacet(out ISharedReads? shared));
        BlobKey plain = BlobKey.Parse("plain"), expiring = BlobKey.Parse("expiring");
        await store.PutBytesAsync(plain, new byte[200]);
        await store.PutBytesAsync(expiring, new byte[200], new WriteOptions { Expires = clock.Fake.GetUtcNow().AddMinutes(5) });

        Assert.Equal(0, ReadsOfClock(() => Assert.True(shared.TryRead(plain, out _))));
        Assert.Equal(0, ReadsOfClock(() => Assert.True(IsHit(store.ReadAsync(plain)))));
        Assert.Equal(1, ReadsOfClock(() => Assert.True(shared.TryRead(expiring, out _))));
        Assert.Equal(0, ReadsOfClock(() => Assert.False(shared.TryRead(Missing, out _))));
        clock.Fake.Advance(TimeSpan.FromMinutes(5));
        Assert.False(shared.TryRead(expiring, out _), "the blob is visible at the very moment of its expiry");

        // What goes on in the background reads it as well, now and then.
        int ReadsOfClock(Action what) => Enumerable.Range(0, 10).Min(_ =>
        {
            int before = clock.Reads;
            what();
            return clock.Reads - before;
        });
    }

    [Fact]
    public async Task An_overwrite_sets_and_takes_away_an_expiry()
    {
        var clock = new FakeClock();
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true }, StoreContext.Default with { Clock = clock });
        BlobKey kept = BlobKey.Parse("kept"), gone = BlobKey.Parse("gone");
        await store.PutBytesAsync(kept, new byte[10], new WriteOptions { Expires = clock.GetUtcNow().AddMinutes(1) });
        await store.PutBytesAsync(kept, new byte[10]);
        await store.PutBytesAsync(gone, new byte[10]);
        await store.PutBytesAsync(gone, new byte[10], new WriteOptions { Expires = clock.GetUtcNow().AddMinutes(1) });
        clock.Advance(TimeSpan.FromMinutes(10));
        Assert.True(store.TryRead(kept, out _), "an expiry that was overwritten took the blob with it");
        Assert.False(store.TryRead(gone, out _));
        Assert.Equal((1, 1), (store.GetStatistics().Blobs, store.GetStatistics().Expirations));
    }

    private static IBlobStore Open(string stack, StoreContext context) => stack switch
    {
        "store" => Memory("hot", evicts: true, context),
        "strict store" => Memory("cold", evicts: false, context),
        "tiers" => Tiers(Memory("hot", evicts: true, context), Memory("cold", evicts: false, context), context),
        "tiers of fresh copies" => Tiers(Memory("hot", evicts: true, context), Memory("cold", evicts: false, context), context, TimeSpan.FromHours(1)),
        _ => Tiers(Tiers(Memory("hot", evicts: true, context), Memory("warm", evicts: false, context), context), Memory("cold", evicts: false, context), context),
    };

    private static MemoryBlobStore Memory(string name, bool evicts, StoreContext context) => new(new MemoryBlobStoreOptions { Name = name, Evicts = evicts }, context);

    private static TieredBlobStore Tiers(IBlobStore upper, IBlobStore origin, StoreContext context, TimeSpan? freshFor = null) =>
        new([new Tier { Name = "upper", Store = upper }, new Tier { Name = "origin", Store = origin }], new TieringOptions { FreshFor = freshFor }, context);

    /// <summary>Bytes that this thread allocates in the cheapest of five rounds: the others may meet what the runtime makes once.</summary>
    private static long LeastAllocated(Action round)
    {
        long least = long.MaxValue;
        for (int i = 0; i < 5; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            round();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    private static int Hit(IBlobStore store, ISharedReads shared, (BlobKey Key, WriteOptions? Options)[] entries, int times)
    {
        int hits = 0;
        for (int i = 0; i < times; i++)
        {
            foreach ((BlobKey key, _) in entries)
            {
                if (shared.TryRead(key, out BlobReadResult? hit) && IsRead(hit)) hits++;
                if (IsHit(store.ReadAsync(key))) hits++;
            }
        }

        return hits;
    }

    /// <summary>What a caller does with a hit.</summary>
    private static bool IsRead(BlobReadResult hit) =>
        hit.TryGetSequence(out ReadOnlySequence<byte> bytes) && bytes.Length == 200 && hit.Length == 200 && IsDone(hit.DisposeAsync());

    private static bool IsDone(ValueTask call) => call.IsCompletedSuccessfully;

    private static bool IsHit(ValueTask<BlobReadResult?> read)
    {
        if (!read.IsCompletedSuccessfully) return false;
#pragma warning disable VSTHRD002 // it has answered
        return read.Result is { } hit && IsRead(hit);
#pragma warning restore VSTHRD002
    }
}
