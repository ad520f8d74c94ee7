using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>What is let in, what has to go for it, and that the store never takes more than it was given.</summary>
public sealed class MemoryRoomTests
{
    private const int LeastBytes = 64 << 10;
    private static readonly BlobKey Key = BlobKey.Parse("a/key");
    private readonly FakeClock _clock = new();

    private StoreContext Context => StoreContext.Default with { Clock = _clock };

    [Theory]
    [InlineData(64 << 10)]
    [InlineData(8 << 20)]
    public async Task A_value_longer_than_its_share_is_refused_and_pushes_nothing_out(int maxBytes)
    {
        await using MemoryBlobStore store = Cache(maxBytes);
        await FillAsync(store);
        StoreStatistics before = store.GetStatistics();
        int longest = (int)store.Capabilities.MaxBlobLength;
        Assert.Equal(maxBytes / 8, longest);
        byte[] tooLong = new byte[longest + 1];
        await RefusedAsync(async () => await store.PutBytesAsync(Key, tooLong));
        await RefusedAsync(async () => await store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(tooLong), tooLong.Length)));
        await RefusedAsync(async () => await store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(tooLong))));
        await RefusedAsync(async () =>
        {
            await using IBlobWriter writer = await store.OpenWriterAsync(Key);
            await writer.WriteAsync(tooLong, CancellationToken.None);
        });
        Assert.Equal(before, store.GetStatistics());
        Assert.True((await store.PutBytesAsync(Key, tooLong.AsMemory(1))).IsWritten, "the longest blob that is promised to fit does not");
    }

    [Theory]
    [InlineData("write")]
    [InlineData("stream")]
    [InlineData("read")]
    public async Task Where_hot_does_not_take_a_value_no_older_copy_stays_there_and_nothing_gives_way(string how)
    {
        await using var f = new TierFixture();
        await f.PutAsync("old");
        await FillAsync(f.Hot);
        long evictions = f.Hot.GetStatistics().Evictions;
        byte[] value = new byte[f.Hot.Capabilities.MaxBlobLength + 1];
        if (how == "stream") await f.Store.WriteAsync(TierFixture.Key, BlobContent.FromStream(new MemoryStream(value)));
        else await f.Store.PutBytesAsync(TierFixture.Key, value);
        if (how == "read") Assert.Equal(value.Length, (await f.Store.GetBytesAsync(TierFixture.Key))?.Length);
        await f.IdleAsync();
        Assert.Null(await f.Hot.StatAsync(TierFixture.Key));
        Assert.Equal(value.Length, (await f.Store.StatAsync(TierFixture.Key))?.Length);
        Assert.Equal(evictions, f.Hot.GetStatistics().Evictions);
    }

    [Fact]
    public async Task A_write_that_its_condition_refuses_pushes_nothing_out()
    {
        await using MemoryBlobStore store = Cache(8 << 20);
        await FillAsync(store);
        await store.PutBytesAsync(Key, new byte[10]);
        StoreStatistics before = store.GetStatistics();
        byte[] large = new byte[store.Capabilities.MaxBlobLength];
        foreach (WriteCondition condition in (WriteCondition[])[WriteCondition.IfAbsent, WriteCondition.IfMatch("other"), WriteCondition.IfOlder(new BlobVersion(1))])
            Assert.Equal(WriteStatus.PreconditionFailed, (await store.PutBytesAsync(Key, large, new WriteOptions { Condition = condition })).Status);
        Assert.Equal(before, store.GetStatistics());
    }

    [Fact]
    public async Task A_budget_that_is_lowered_holds_when_the_setter_returns_and_one_that_is_raised_is_used()
    {
        await using MemoryBlobStore store = Cache(8 << 20);
        await FillAsync(store);
        foreach (int maxBytes in (int[])[4 << 20, 1 << 20, LeastBytes])
        {
            store.MaxBytes = maxBytes;
            StoreStatistics now = store.GetStatistics();
            Assert.InRange(now.Bytes, maxBytes / 2, maxBytes);
            Assert.Equal((maxBytes, maxBytes / 8), (now.MaxBytes, store.Capabilities.MaxBlobLength));
        }

        store.MaxBytes = 16 << 20;
        await FillAsync(store);
        Assert.InRange(store.GetStatistics().Bytes, 15 << 20, 16 << 20);
        Assert.Throws<ArgumentException>(() => store.MaxBytes = LeastBytes - 1);
        Assert.Equal(16 << 20, store.MaxBytes);
    }

    [Fact]
    public async Task A_stream_that_was_begun_before_the_budget_was_lowered_pushes_nothing_out()
    {
        await using MemoryBlobStore store = Cache(8 << 20);
        await using IBlobWriter writer = await store.OpenWriterAsync(Key);
        await writer.WriteAsync(new byte[1 << 20], CancellationToken.None);
        store.MaxBytes = 1 << 20;
        await FillAsync(store);
        StoreStatistics before = store.GetStatistics();
        await RefusedAsync(async () => await writer.CommitAsync(null, CancellationToken.None));
        Assert.Equal(before, store.GetStatistics());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Tombstones_take_an_eighth_at_most_and_older_copies_stay_out_all_the_same(bool evicts)
    {
        const int maxBytes = 1 << 20, deletes = 20_000;
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = evicts, MaxBytes = maxBytes }, Context);
        BlobVersion version = BlobVersion.At(_clock.GetUtcNow());
        for (int i = 0; i < deletes; i++) await store.DeleteAsync(BlobKey.Parse($"k/{i}"), WriteCondition.IfOlder(version));
        Assert.InRange(store.GetStatistics().Bytes, maxBytes / 10, maxBytes / 8 * 1.3);
        for (int i = 0; i < deletes; i += 100)
        {
            WriteResult older = await store.PutBytesAsync(BlobKey.Parse($"k/{i}"), new byte[1], new WriteOptions { Condition = WriteCondition.IfOlder(version) });
            Assert.True(older.Status == WriteStatus.PreconditionFailed, $"a copy no newer than the delete of key {i} came in, because its tombstone had to go");
        }

        _clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal(0, store.GetStatistics().Bytes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Deletes_of_what_is_not_there_take_no_more_than_the_budget(bool evicts)
    {
        const int maxBytes = 1 << 20;
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = evicts, MaxBytes = maxBytes }, Context);
        if (evicts) await FillAsync(store);
        else await FillStrictAsync(store);
        BlobVersion version = BlobVersion.At(_clock.GetUtcNow());
        for (int i = 0; i < 5_000; i++)
        {
            await store.DeleteAsync(BlobKey.Parse($"gone/{i}"), WriteCondition.IfOlder(version));
            Assert.True(store.GetStatistics().Bytes <= maxBytes, $"{store.GetStatistics().Bytes} of {maxBytes} bytes are held after delete {i}");
        }
    }

    [Fact]
    public async Task Tombstones_of_a_larger_budget_leave_room_for_blobs_in_a_smaller_one()
    {
        await using MemoryBlobStore store = Cache(8 << 20);
        BlobVersion version = BlobVersion.At(_clock.GetUtcNow());
        for (int i = 0; i < 10_000; i++) await store.DeleteAsync(BlobKey.Parse($"gone/{i}"), WriteCondition.IfOlder(version));
        store.MaxBytes = 256 << 10;
        await FillAsync(store);
        Assert.True(store.GetStatistics().Blobs > 150, $"{store.GetStatistics().Blobs} blobs of 1,000 bytes are all that 256 KiB hold besides tombstones");
    }

    [Fact]
    public async Task A_handler_of_evictions_that_throws_costs_no_room()
    {
        await using MemoryBlobStore store = Cache(LeastBytes);
        await FillAsync(store);
        store.Evicted += Throw;
        for (int i = 0; i < 100; i++) await Record.ExceptionAsync(async () => await store.PutBytesAsync(BlobKey.Parse($"more/{i}"), new byte[8_000]));
        store.Evicted -= Throw;
        for (int i = 0; i < 1_000; i++) await store.PutBytesAsync(BlobKey.Parse($"small/{i}"), new byte[1_000]);
        Assert.True(store.GetStatistics().Blobs > 30, $"{store.GetStatistics().Blobs} blobs of 1,000 bytes are all that 64 KiB hold");

        static void Throw(BlobKey key, long length) => throw new InvalidOperationException("a handler that breaks its promise");
    }

    [Fact]
    public async Task Under_memory_pressure_capacity_shrinks_to_an_eighth_and_comes_back()
    {
        const int maxBytes = 8 << 20;
        double load = 0.5;
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true, MaxBytes = maxBytes, YieldsToPressure = true }, Context, () => load);
        await FillAsync(store);
        load = 1.1;
        store.Pressure!.Observe();
        Assert.InRange(store.GetStatistics().Bytes, maxBytes / 2, maxBytes * 3 / 4);
        for (int i = 0; i < 20; i++) store.Pressure.Observe();
        Assert.InRange(store.GetStatistics().Bytes, maxBytes / 16, maxBytes / 8);
        await FillAsync(store);
        Assert.InRange(store.GetStatistics().Bytes, maxBytes / 16, maxBytes / 8);
        Assert.True(store.Capabilities.MaxBlobLength <= maxBytes / 64, "one blob may push out all that is left");
        store.MaxBytes = 2 * maxBytes;
        await FillAsync(store);
        Assert.InRange(store.GetStatistics().Bytes, maxBytes / 8, 2 * maxBytes / 8);
        load = 0.9;
        store.Pressure.Observe();
        Assert.Equal(0.125, store.Pressure.Share);
        load = 0.5;
        for (int i = 0; i < 20; i++) store.Pressure.Observe();
        await FillAsync(store);
        Assert.InRange(store.GetStatistics().Bytes, 2 * maxBytes * 0.95, 2 * maxBytes);
        Assert.Equal(2 * maxBytes / 8, store.Capabilities.MaxBlobLength);
    }

    [Fact]
    public async Task A_full_collection_makes_the_store_look_at_the_load()
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true, YieldsToPressure = true }, Context, () => 2);
        await Eventually.HoldsAsync(
            () =>
            {
                GC.Collect();
                return store.Pressure!.Share < 0.5;
            },
            "the store never looked");
    }

    [Fact]
    public async Task A_copy_from_a_far_future_is_read_and_listed_like_any_other()
    {
        await using var store = new MemoryBlobStore(null, Context);
        var info = new BlobInfo { Key = Key, Length = 3, ETag = "theirs", Version = new BlobVersion(ulong.MaxValue - 1), Created = _clock.GetUtcNow(), Modified = _clock.GetUtcNow() };
        await store.PutBytesAsync(Key, new byte[3], new WriteOptions { AsCopyOf = info });
        Assert.Equal((info.Version, info.Created, "theirs"), ((await store.StatAsync(Key))!.Version, (await store.StatAsync(Key))!.Created, (await store.StatAsync(Key))!.ETag));
        Assert.Single((await store.ListPageAsync(new ListRequest())).Items);
    }

    /// <summary>A cache of several shards: they stay as many as they were at its opening.</summary>
    private MemoryBlobStore Cache(int maxBytes) => new(new MemoryBlobStoreOptions { Evicts = true, MaxBytes = 128 << 20 }, Context) { MaxBytes = maxBytes };

    /// <summary>Values of 1,000 bytes until one has to go for another.</summary>
    private static async Task FillAsync(MemoryBlobStore store)
    {
        long evictions = store.GetStatistics().Evictions;
        for (int i = 0; store.GetStatistics().Evictions == evictions; i++) await store.PutBytesAsync(BlobKey.Parse($"fill/{evictions}/{i}"), new byte[1_000]);
    }

    /// <summary>Values of 10 bytes until one is refused.</summary>
    private static async Task FillStrictAsync(MemoryBlobStore store)
    {
        for (int i = 0; ; i++)
        {
            try
            {
                await store.PutBytesAsync(BlobKey.Parse($"fill/{i}"), new byte[10]);
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.Full)
            {
                return;
            }
        }
    }

    private static async Task RefusedAsync(Func<Task> write) => Assert.Equal(StorageErrorKind.TooLarge, (await Assert.ThrowsAsync<StorageException>(write)).Kind);
}
