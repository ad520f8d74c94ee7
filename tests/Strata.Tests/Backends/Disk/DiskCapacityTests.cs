using Xunit;

namespace Strata.Tests;

/// <summary>The capacity of a disk store: never passed, whoever comes at once; refused where it is an origin, made by eviction where it is a cache.</summary>
public sealed class DiskCapacityTests : DiskFixture
{
    private const long Most = 256 << 10;

    [Fact]
    public async Task Writers_at_once_do_not_pass_it_together()
    {
        await OpenAsync(Most);
        for (int round = 0; round < 20; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => TryPutAsync(KeyOf(i), 64 << 10))));
            Assert.InRange(Store.GetStatistics().Bytes, 1, Most);
            await Store.DeleteManyAsync([.. Enumerable.Range(0, 16).Select(KeyOf)]);
            Assert.Equal(0, Store.GetStatistics().Bytes);
        }
    }

    [Fact]
    public async Task A_full_store_takes_deletes_and_what_makes_a_blob_smaller()
    {
        await OpenAsync();
        for (int i = 0; i < 6; i++) await Store.PutBytesAsync(KeyOf(i), Bytes(64 << 10));

        // Less is allowed than there is.
        await OpenAsync(Most);
        StorageException full = await Assert.ThrowsAsync<StorageException>(async () => await Store.PutBytesAsync(Key, Bytes(10)));
        Assert.Equal((StorageErrorKind.Full, WriteOutcome.NotApplied), (full.Kind, full.Outcome));
        Assert.True((await Store.PutBytesAsync(KeyOf(0), Bytes(60 << 10))).IsWritten);
        Assert.Equal(DeleteStatus.Deleted, (await Store.DeleteAsync(KeyOf(1))).Status);
        Assert.Equal(DeleteStatus.Deleted, (await Store.DeleteAsync(KeyOf(2))).Status);
        await Store.DeleteAsync(KeyOf(3));
        Assert.True((await Store.PutBytesAsync(Key, Bytes(10))).IsWritten);
        Assert.Equal(StorageErrorKind.TooLarge, (await Assert.ThrowsAsync<StorageException>(async () => await Store.PutBytesAsync(Key, Bytes((int)Most + 1)))).Kind);
        await AssertBooksAsync("after the store was full", Most);
    }

    [Fact]
    public async Task A_cache_lets_the_oldest_go_that_was_not_read_and_spares_once_what_was()
    {
        await OpenAsync(Most, evicts: true);
        var evicted = new List<string>();
        Store.Evicted += (key, length) =>
        {
            Assert.Equal(20_000, length);
            evicted.Add(key.Value);
        };
        for (int i = 0; i < 12; i++) await Store.PutBytesAsync(KeyOf(i), Bytes(20_000, i));
        await Store.GetBytesAsync(KeyOf(0));
        await Store.GetBytesAsync(KeyOf(2));
        for (int i = 12; i < 15; i++) await Store.PutBytesAsync(KeyOf(i), Bytes(20_000, i));
        Assert.Equal([KeyOf(1).Value, KeyOf(3).Value], evicted[..2]);
        await AssertHoldsAsync(KeyOf(0), Bytes(20_000, 0));
        await AssertHoldsAsync(KeyOf(2), Bytes(20_000, 2));
        for (int i = 15; i < 60; i++) await Store.PutBytesAsync(KeyOf(i), Bytes(20_000, i));
        Assert.Equal(evicted.Count, Store.GetStatistics().Evictions);
        Assert.Equal(evicted.Count, evicted.Distinct().Count());
        Assert.Contains(KeyOf(4).Value, evicted);
        Assert.InRange(Store.GetStatistics().Blobs, 10, 13);

        // Ten are held at least, and two of them may be those that were read.
        for (int i = 52; i < 60; i++) await AssertHoldsAsync(KeyOf(i), Bytes(20_000, i));
    }

    [Fact]
    public async Task Large_values_that_were_replaced_and_wait_for_a_flush_take_a_share_of_the_capacity_and_no_more()
    {
        // They count no more, and still take room: in a folder of 16 MiB there were 64 MiB of them.
        const int Length = 1_500_000, Capacity = 16 << 20;
        await OpenAsync(Capacity, durability: DiskDurability.OperatingSystem, evicts: true);
        for (int i = 0; i < 40; i++) await Store.PutBytesAsync(Key, Bytes(Length, i));
        await Eventually.HoldsAsync(() => Store.GetValueFileStatistics().Bytes <= (Capacity / 8) + Length, "values that were replaced long ago still take their room");
        await AssertHoldsAsync(Key, Bytes(Length, 39));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(3_000)]
    [InlineData(40_000)]
    public async Task A_cache_stays_within_it_under_writers_at_once_over_many_segments_and_a_restart(int length)
    {
        await OpenAsync(4 << 20, durability: DiskDurability.OperatingSystem, evicts: true, segmentBytes: 256 << 10);
        int writes = (16 << 20) / length / 2;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(async () =>
        {
            var random = new Random(thread);
            for (int i = 0; i < writes / 4; i++)
            {
                BlobKey key = KeyOf(random.Next(writes));
                if (random.Next(3) == 0) await Store.GetBytesAsync(key);
                Assert.True((await Store.PutBytesAsync(key, Bytes(length, 1))).IsWritten, "a cache takes every write");
                Assert.InRange(Store.GetStatistics().Bytes, 0, 4 << 20);
            }
        })));
        StoreStatistics before = Store.GetStatistics();
        await OpenAsync(4 << 20, evicts: true, segmentBytes: 256 << 10);
        Assert.Equal((before.Blobs, before.Bytes), (Store.GetStatistics().Blobs, Store.GetStatistics().Bytes));
        for (int i = 0; i < 1000; i++) await Store.PutBytesAsync(BlobKey.Parse($"later/{i}"), Bytes(length));
        Assert.InRange(Store.GetStatistics().Bytes, 1, 4 << 20);
    }

    [Fact]
    public async Task An_evicted_blob_lets_its_older_copy_come_back()
    {
        await OpenAsync(Most, evicts: true);
        BlobInfo first = (await Store.PutBytesAsync(Key, Bytes(100_000))).Info!;
        await Store.PutBytesAsync(KeyOf(1), Bytes(100_000));
        await Store.PutBytesAsync(KeyOf(2), Bytes(100_000));
        Assert.Null(await Store.StatAsync(Key));
        var again = new WriteOptions { AsCopyOf = first, Condition = WriteCondition.IfOlder(first.Version) };
        Assert.True((await Store.PutBytesAsync(Key, Bytes(100_000), again)).IsWritten, "an eviction is no delete");
    }

    private async Task TryPutAsync(BlobKey key, int length)
    {
        try
        {
            await Store.PutBytesAsync(key, Bytes(length));
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Full)
        {
            // As it should be.
        }
    }
}
