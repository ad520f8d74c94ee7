using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>The strict form at its limit: a store of its own, which loses nothing to make room.</summary>
public sealed class StrictMemoryTests
{
    private const int MaxBytes = 1 << 20;

    [Fact]
    public async Task At_its_limit_it_refuses_and_drops_nothing()
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { MaxBytes = MaxBytes });
        List<BlobKey> written = await FillAsync(store);
        StoreStatistics full = store.GetStatistics();
        Assert.Equal((written.Count, 0L), (full.Blobs, full.Evictions));
        Assert.InRange(full.Bytes, MaxBytes * 0.95, MaxBytes);
        BlobKey first = written[0];
        foreach (WriteOptions? options in (WriteOptions?[])[null, new() { Condition = WriteCondition.IfMatch("*") }])
        {
            StorageException refused = await Assert.ThrowsAsync<StorageException>(async () => await store.PutBytesAsync(first, new byte[100_000], options));
            Assert.Equal((StorageErrorKind.Full, WriteOutcome.NotApplied), (refused.Kind, refused.Outcome));
        }

        Assert.Equal(StorageErrorKind.Full, (await Assert.ThrowsAsync<StorageException>(async () => await store.CopyAsync(first, BlobKey.Parse("copy")))).Kind);
        foreach (BlobKey key in written) Assert.True((await store.GetBytesAsync(key))?.Length == 1_000, $"{key} was lost to a write that was refused");
        Assert.Equal(full, store.GetStatistics());
        Assert.Equal(WriteStatus.PreconditionFailed, (await store.PutBytesAsync(first, new byte[100_000], new WriteOptions { Condition = WriteCondition.IfAbsent })).Status);

        Assert.True((await store.PutBytesAsync(first, new byte[500])).IsWritten, "a value in the place of a longer one needs no room");
        await store.DeleteAsync(written[1]);
        Assert.True((await store.PutBytesAsync(BlobKey.Parse("after"), new byte[1_000])).IsWritten, "a delete makes room");
    }

    [Fact]
    public async Task Where_it_was_made_smaller_than_what_it_holds_it_keeps_that_and_refuses_until_there_is_room()
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { MaxBytes = MaxBytes });
        List<BlobKey> written = await FillAsync(store);
        store.MaxBytes = MaxBytes / 2;
        Assert.Equal(written.Count, store.GetStatistics().Blobs);
        int deleted = 0;
        for (; deleted < written.Count; deleted++)
        {
            if (await Record.ExceptionAsync(async () => await store.PutBytesAsync(BlobKey.Parse("new"), new byte[1_000])) is not { } refused) break;
            Assert.Equal(StorageErrorKind.Full, Assert.IsType<StorageException>(refused).Kind);
            await store.DeleteAsync(written[deleted]);
        }

        Assert.InRange(deleted, written.Count * 0.4, written.Count * 0.6);
        foreach (BlobKey key in written.Skip(deleted)) Assert.NotNull(await store.StatAsync(key));
    }

    [Fact]
    public async Task What_has_expired_and_old_tombstones_go_before_a_write_is_refused()
    {
        var clock = new FakeClock();
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { MaxBytes = MaxBytes }, StoreContext.Default with { Clock = clock });
        List<BlobKey> written = await FillAsync(store, new WriteOptions { Expires = clock.GetUtcNow().AddSeconds(10) });
        clock.Advance(TimeSpan.FromSeconds(11));
        List<BlobKey> again = await FillAsync(store, prefix: "again");
        Assert.InRange(again.Count, written.Count, written.Count * 1.2);
        Assert.Equal(written.Count, store.GetStatistics().Expirations);
    }

    [Fact]
    public async Task A_store_that_is_emptied_holds_no_byte()
    {
        var clock = new FakeClock();
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { MaxBytes = 256 << 20 }, StoreContext.Default with { Clock = clock });
        int seed = TestSeed.Next();
        var random = new Random(seed);
        for (int i = 0; i < 50_000; i++)
        {
            BlobKey key = BlobKey.Parse($"k/{random.Next(5_000)}");
            switch (random.Next(6))
            {
                case 0: await store.DeleteAsync(key); break;
                case 1: await store.UpdateAsync(key, new BlobChanges { ContentType = new string('x', random.Next(50)) }); break;
                case 2: await store.PutBytesAsync(key, new byte[random.Next(300)], new WriteOptions { Expires = clock.GetUtcNow().AddSeconds(random.Next(100)) }); break;
                case 3 when random.Next(20) == 0: clock.Advance(TimeSpan.FromSeconds(1)); break;
                default: await store.PutBytesAsync(key, new byte[random.Next(300)]); break;
            }
        }

        await foreach (BlobInfo info in store.EnumerateAsync()) await store.DeleteAsync(info.Key);
        clock.Advance(TimeSpan.FromHours(2));
        StoreStatistics end = store.GetStatistics();
        Assert.True(end is { Blobs: 0, Bytes: 0 }, $"seed {seed}: {end.Bytes} bytes and {end.Blobs} blobs are counted where nothing is: the room is lost for good");
    }

    [Fact]
    public async Task It_lists_in_the_order_of_bytes_whatever_the_order_of_writes()
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { MaxBytes = 64 << 20 });
        int seed = TestSeed.Next();
        var random = new Random(seed);
        var expected = new SortedSet<string>(ExpectedListing.Utf8Order);
        string[] stems = ["a", "b/", "é", "\uFFFD", "😀", "z"];
        for (int i = 0; i < 20_000; i++)
        {
            // Runs of keys that come in order fill leaves; the others split them.
            string key = random.Next(2) == 0 ? $"run/{i:d6}" : $"{stems[random.Next(stems.Length)]}{random.Next(4_000)}";
            if (random.Next(3) == 0)
            {
                await store.DeleteAsync(BlobKey.Parse(key));
                expected.Remove(key);
            }
            else
            {
                await store.PutBytesAsync(BlobKey.Parse(key), new byte[1]);
                expected.Add(key);
            }
        }

        var listed = new List<string>();
        await foreach (BlobInfo info in store.EnumerateAsync()) listed.Add(info.Key.Value);
        Assert.True(expected.SequenceEqual(listed), $"seed {seed}: {listed.Count} keys were listed, {expected.Count} expected; the first difference is at {listed.Zip(expected).TakeWhile(p => p.First == p.Second).Count()}");
    }

    /// <summary>Values of 1,000 bytes until one is refused.</summary>
    private static async Task<List<BlobKey>> FillAsync(MemoryBlobStore store, WriteOptions? options = null, string prefix = "fill")
    {
        var written = new List<BlobKey>();
        while (true)
        {
            BlobKey key = BlobKey.Parse($"{prefix}/{written.Count}");
            try
            {
                await store.PutBytesAsync(key, new byte[1_000], options);
                written.Add(key);
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.Full)
            {
                return written;
            }
        }
    }
}
