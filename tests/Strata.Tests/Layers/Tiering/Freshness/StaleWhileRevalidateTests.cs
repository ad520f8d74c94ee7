using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>Past its freshness a copy is served at once, while the origin is asked once: never longer than was chosen, and never against one's own writes and deletes.</summary>
public sealed class StaleWhileRevalidateTests
{
    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Revalidated = TimeSpan.FromSeconds(50);
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    [Fact]
    public async Task A_thousand_readers_are_answered_at_once_and_cause_one_question()
    {
        await using TierFixture f = Open();
        await f.PutAsync("value");
        f.Clock.Advance(FreshFor);
        using StoreGate asking = f.Gates.Hold(StoreOperation.Read);
        string?[] values = await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => Task.Run(f.GetAsync)));
        Assert.All(values, value => Assert.Equal("value", value));
        await asking.WaitForArrivalAsync();
        asking.Open();
        await f.IdleAsync();
        Assert.Equal((1, 0), (f.Faults.CountOf(StoreOperation.Read), f.Gates.CountOf(StoreOperation.ReadStream)));
        f.Clock.Advance(FreshFor - Moment);
        Assert.Equal("value", await f.GetAsync());
        Assert.Equal(1, f.Faults.CountOf(StoreOperation.Read));
    }

    [Fact]
    public async Task A_change_by_others_is_there_after_the_first_read_and_none_is_marked_as_stale()
    {
        await using TierFixture f = Open();
        await f.PutAsync("old");
        await f.Disk.PutBytesAsync(Key, Bytes("new"));
        f.Clock.Advance(FreshFor);
        await using BlobReadResult? read = await f.Store.ReadAsync(Key);
        Assert.False(read!.IsStale);
        Assert.Equal("old", System.Text.Encoding.UTF8.GetString(await read.ToArrayAsync()));
        await f.IdleAsync();
        Assert.Equal("new", await f.GetAsync());
        Assert.Equal(1, f.Faults.CountOf(StoreOperation.Read));
        Assert.Equal(0, f.Store.GetTierStatistics()[0].StaleReads);
    }

    [Fact]
    public async Task A_delete_by_others_is_there_after_the_first_read()
    {
        await using TierFixture f = Open();
        await f.PutAsync("old");
        await f.Disk.DeleteAsync(Key);
        f.Clock.Advance(FreshFor);
        Assert.Equal("old", await f.GetAsync());
        await f.IdleAsync();
        Assert.Null(await f.GetAsync());
        Assert.Null(await f.Hot.StatAsync(Key));
    }

    [Fact]
    public async Task Nothing_is_served_for_longer_than_both_times_together()
    {
        await using TierFixture f = Open();
        await f.PutAsync("old");
        await f.Disk.PutBytesAsync(Key, Bytes("new"));
        using StoreGate asking = f.Gates.Hold(StoreOperation.Read);
        f.Clock.Advance(FreshFor + Revalidated - Moment);
        Assert.Equal("old", await f.GetAsync());
        await asking.WaitForArrivalAsync();
        f.Clock.Advance(Moment);
        Task<string?> late = f.GetAsync();
        Assert.False(late.IsCompleted);
        asking.Open();
        Assert.Equal("new", await late);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_written_or_deleted_here_while_the_origin_is_asked_is_never_undone(bool isDelete)
    {
        await using TierFixture f = Open();
        await f.PutAsync("old");
        f.Clock.Advance(FreshFor);
        using StoreGate asking = f.Gates.Hold(call => call is { Operation: StoreOperation.Read, Number: 1 }, CallMoment.After);
        Assert.Equal("old", await f.GetAsync());
        await asking.WaitForArrivalAsync();
        if (isDelete) await f.Store.DeleteAsync(Key);
        else await f.PutAsync("mine");
        Assert.Equal(isDelete ? null : "mine", await f.GetAsync());
        asking.Open();
        await f.IdleAsync();
        Assert.Equal(isDelete ? null : "mine", await f.GetAsync());
        f.Clock.Advance(FreshFor);
        Assert.Equal(isDelete ? null : "mine", await f.GetAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_a_tier_could_not_drop_at_a_write_or_delete_is_not_served(bool isDelete)
    {
        var warm = new FaultStore(new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }));
        await using TierFixture f = Open(warm);
        await f.LeaveOldCopyAsync(warm, isDelete);
        f.Clock.Advance(FreshFor);
        Assert.Equal(isDelete ? null : "mine", await f.GetAsync());
    }

    [Fact]
    public async Task A_key_in_doubt_is_read_at_the_origin_alone()
    {
        await using TierFixture f = Open();
        await f.PutAsync("old");
        f.Clock.Advance(FreshFor);
        f.Faults.Inject(StoreFault.On(StoreOperation.Write) with { Moment = CallMoment.After, Times = 1 });
        await Assert.ThrowsAsync<StorageException>(() => f.PutAsync("lost reply"));
        Assert.Equal("lost reply", await f.GetAsync());
        f.Faults.Inject(StoreFault.On(StoreOperation.Read));
        await Assert.ThrowsAsync<StorageException>(f.GetAsync);
    }

    [Fact]
    public async Task What_was_seen_replaced_is_not_served_from_another_tier()
    {
        var warm = new FaultStore(new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }));
        await using TierFixture f = Open(warm, promotes: false);
        await f.PutAsync("old");
        await f.Disk.PutBytesAsync(Key, Bytes("new"));
        f.Clock.Advance(FreshFor);
        Assert.Equal("old", await f.GetAsync());
        await f.IdleAsync();
        Assert.NotNull(await warm.StatAsync(Key));
        Assert.Equal("new", await f.GetAsync());
    }

    [Fact]
    public async Task A_question_that_fails_is_not_asked_again_at_once_and_the_read_does_not_notice()
    {
        await using TierFixture f = Open();
        await f.PutAsync("value");
        f.Clock.Advance(FreshFor);
        f.Faults.Inject(StoreFault.On(StoreOperation.Read));
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal("value", await f.GetAsync());
            await f.IdleAsync();
        }

        Assert.Equal(1, f.Faults.CountOf(StoreOperation.Read));
        f.Clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal("value", await f.GetAsync());
        await f.IdleAsync();
        Assert.Equal(2, f.Faults.CountOf(StoreOperation.Read));
    }

    [Fact]
    public async Task A_stat_is_answered_so_too_and_asks_as_well()
    {
        await using TierFixture f = Open();
        await f.PutAsync("old");
        await f.Disk.PutBytesAsync(Key, Bytes("newer"));
        f.Clock.Advance(FreshFor);
        Assert.Equal(3, (await f.Store.StatAsync(Key))!.Length);
        await f.IdleAsync();
        Assert.Equal(5, (await f.Store.StatAsync(Key))!.Length);
    }

    [Fact]
    public async Task Questions_under_way_are_bounded_however_many_keys_are_read()
    {
        await using TierFixture f = Open();
        BlobKey[] keys = [.. Enumerable.Range(0, 200).Select(i => BlobKey.Parse($"many/{i}"))];
        foreach (BlobKey key in keys) await f.Store.PutBytesAsync(key, Bytes("v"));
        f.Clock.Advance(FreshFor);
        using StoreGate asking = f.Gates.Hold(StoreOperation.Read);
        foreach (BlobKey key in keys) Assert.NotNull(await f.Store.GetBytesAsync(key));
        await asking.WaitForArrivalAsync(64);
        Assert.Equal(64, asking.Arrived);
        asking.Open();
        await f.IdleAsync();
        foreach (BlobKey key in keys) Assert.NotNull(await f.Store.GetBytesAsync(key));
        await f.IdleAsync();
        Assert.True(f.Faults.CountOf(StoreOperation.Read) > 64, "the keys for which there was no room are asked for at a later read");
    }

    [Fact]
    public async Task Closing_the_store_does_not_wait_for_an_origin_that_does_not_answer()
    {
        TierFixture f = Open();
        await f.PutAsync("value");
        f.Clock.Advance(FreshFor);
        using StoreGate asking = f.Gates.Hold(StoreOperation.Read);
        Assert.Equal("value", await f.GetAsync());
        await asking.WaitForArrivalAsync();
        await f.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
    }

    private static TierFixture Open(IBlobStore? warm = null, bool promotes = true) =>
        new(new TieringOptions { FreshFor = FreshFor, StaleWhileRevalidate = Revalidated, Policy = new TieringPolicy { PromoteOnRead = promotes } }, warm, hasOtherWriters: true);
}
