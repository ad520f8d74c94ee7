using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>No older copy outlives the write or delete that replaced it, however a reader, a fill or a failure is timed.</summary>
public sealed class StaleCopyTests
{
    [Fact]
    public async Task A_delete_during_a_promotion_does_not_bring_the_key_back()
    {
        await using var f = new TierFixture();
        await f.PutAsync("v1", new WriteOptions { SkipTiers = ["hot"] });
        using StoreGate stalled = f.Gates.Hold(StoreOperation.ReadStream);
        Task<string?> reader = Task.Run(f.GetAsync);
        await stalled.WaitForArrivalAsync();
        Assert.Equal(DeleteStatus.Deleted, (await f.Store.DeleteAsync(Key)).Status);
        stalled.Open();
        Assert.Equal("v1", await reader);
        await f.IdleAsync();
        Assert.Null(await f.GetAsync());
        Assert.Null(await f.Hot.StatAsync(Key));
    }

    [Fact]
    public async Task A_stalled_reader_does_not_fill_the_old_value_over_a_newer_write()
    {
        await using var f = new TierFixture();
        await f.PutAsync("v1", new WriteOptions { SkipTiers = ["hot"] });
        using StoreGate stalled = f.Gates.Hold(StoreOperation.ReadStream);
        Task<string?> reader = Task.Run(f.GetAsync);
        await stalled.WaitForArrivalAsync();
        await f.PutAsync("v2", new WriteOptions { SkipTiers = ["hot"] });
        stalled.Open();
        await reader;
        await f.IdleAsync();
        Assert.Equal("v2", await f.GetAsync());
    }

    /// <summary>An upload may take hours: its key is read as before until it is committed, and no fill from before is published after it.</summary>
    [Fact]
    public async Task A_stream_fences_its_key_at_its_commit_and_not_before()
    {
        await using var f = new TierFixture();
        await f.PutAsync("old");
        await using IBlobWriter writer = await f.Store.OpenWriterAsync(Key);
        await writer.WriteAsync(Bytes("new"), CancellationToken.None);
        Assert.True(f.Store.TryRead(Key, out _), "an upload under way keeps readers from the copy");
        await f.Hot.DeleteAsync(Key);
        using StoreGate stalled = f.Gates.Hold(StoreOperation.ReadStream);
        Task<string?> reader = Task.Run(f.GetAsync);
        await stalled.WaitForArrivalAsync();
        Assert.True((await writer.CommitAsync(null, CancellationToken.None)).IsWritten);
        stalled.Open();
        Assert.Equal("old", await reader);
        await f.IdleAsync();
        Assert.Equal("new", await f.GetAsync());
    }

    [Fact]
    public async Task A_fill_that_is_copying_while_the_key_is_deleted_is_not_published()
    {
        var warm = new LatencyStore(new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }));
        await using var f = new TierFixture(warm: warm);
        await f.PutAsync("v1", new WriteOptions { OnlyTiers = [] });
        using StoreGate copying = warm.Hold(StoreOperation.Append);
        Assert.Equal("v1", await f.GetAsync());
        await copying.WaitForArrivalAsync();
        await f.Store.DeleteAsync(Key);
        copying.Open();
        await f.IdleAsync();
        Assert.Null(await warm.StatAsync(Key));
        Assert.Null(await f.GetAsync());
    }

    [Fact]
    public async Task A_read_begun_after_a_write_was_acknowledged_does_not_join_an_older_load()
    {
        await using var f = new TierFixture();
        await f.PutAsync("v1", new WriteOptions { SkipTiers = ["hot"] });
        using StoreGate stalled = f.Gates.Hold(call => call is { Operation: StoreOperation.ReadStream, Number: 1 });
        Task<string?> older = Task.Run(f.GetAsync);
        await stalled.WaitForArrivalAsync();
        await f.PutAsync("v2", new WriteOptions { SkipTiers = ["hot"] });
        Assert.Equal("v2", await f.GetAsync());
        stalled.Open();
        await older;
    }

    [Fact]
    public async Task A_read_begun_after_another_saw_the_new_value_does_not_join_an_older_load()
    {
        await using var f = new TierFixture();
        await f.PutAsync("v1", new WriteOptions { SkipTiers = ["hot"] });
        using StoreGate committing = f.Gates.Hold(StoreOperation.Write);
        using StoreGate committed = f.Gates.Hold(StoreOperation.Write, CallMoment.After);
        Task write = Task.Run(() => f.PutAsync("v2"));
        await committing.WaitForArrivalAsync();
        using StoreGate stalled = f.Gates.Hold(call => call is { Operation: StoreOperation.ReadStream, Number: 1 });
        Task<string?> older = Task.Run(f.GetAsync);
        await stalled.WaitForArrivalAsync();
        committing.Open();
        await committed.WaitForArrivalAsync();
        string seen = (await f.Store.StatAsync(Key))!.ETag;
        Assert.Equal((await f.Disk.StatAsync(Key))!.ETag, seen);
        Assert.Equal("v2", await f.GetAsync().WaitAsync(TimeSpan.FromSeconds(10)));
        stalled.Open();
        committed.Open();
        Assert.Equal("v1", await older);
        await write;
    }

    [Fact]
    public async Task While_the_origin_commits_no_reader_is_served_the_old_copy_after_another_saw_the_new_value()
    {
        await using var f = new TierFixture();
        await f.PutAsync("v1");
        using StoreGate committed = f.Gates.Hold(StoreOperation.Write, CallMoment.After);
        Task write = Task.Run(() => f.PutAsync("v2"));
        await committed.WaitForArrivalAsync();
        Assert.Equal("v2", await f.GetAsync());
        Assert.Equal("v2", await f.GetAsync());
        committed.Open();
        await write;
        Assert.Equal("v2", await f.GetAsync());
    }

    [Fact]
    public async Task A_skipped_tier_keeps_no_older_copy()
    {
        await using var f = new TierFixture();
        await f.PutAsync("old");
        await f.PutAsync("new", new WriteOptions { SkipTiers = ["hot"] });
        Assert.Null(await f.Hot.StatAsync(Key));
        Assert.Equal("new", await f.GetAsync());
    }

    [Fact]
    public async Task A_copy_whose_drop_failed_is_compared_with_the_origin_before_it_is_served()
    {
        var warm = new FaultStore(new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }));
        await using var f = new TierFixture(warm: warm);
        await f.PutAsync("old");
        warm.Inject(StoreFault.On(StoreOperation.Write, StoreOperation.Delete));
        await f.PutAsync("new");
        warm.Heal();
        Assert.Equal("old", await GetAsync(warm));
        await f.Hot.DeleteAsync(Key);
        Assert.Equal("new", await f.GetAsync());
        await f.IdleAsync();
        Assert.NotEqual("old", await GetAsync(warm));
    }

    [Fact]
    public async Task Two_writers_of_one_key_leave_the_later_commit_in_every_tier()
    {
        await using var f = new TierFixture();
        for (int round = 0; round < 200; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(() => f.PutAsync($"{round}.{i}"))));
            string? origin = await GetAsync(f.Disk);
            Assert.Equal(origin, await GetAsync(f.Hot));
            Assert.Equal(origin, await f.GetAsync());
        }
    }

    [Fact]
    public async Task A_late_fill_never_covers_a_delete_in_ten_thousand_runs()
    {
        await using var f = new TierFixture();
        for (int run = 0; run < 10_000; run++)
        {
            await f.PutAsync("v", new WriteOptions { SkipTiers = ["hot"] });
            Task<string?> reader = Task.Run(f.GetAsync);
            await f.Store.DeleteAsync(Key);
            await reader;
            Assert.Null(await f.GetAsync());
        }

        await f.IdleAsync();
        Assert.Null(await f.Hot.StatAsync(Key));
    }
}
