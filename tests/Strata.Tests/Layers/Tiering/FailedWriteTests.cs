using Strata.Testing;
using Xunit;
using static Strata.Tests.TierFixture;

namespace Strata.Tests;

/// <summary>What readers see after the origin refused a write, or left it unknown whether it took it.</summary>
public sealed class FailedWriteTests
{
    [Fact]
    public async Task A_write_that_the_origin_refused_is_not_read_from_hot()
    {
        await using var f = new TierFixture();
        f.Faults.Inject(StoreFault.On(StoreOperation.Write));
        await Assert.ThrowsAsync<StorageException>(() => f.PutAsync("failed"));
        f.Faults.Heal();
        Assert.Null(await f.GetAsync());
    }

    [Fact]
    public async Task A_write_that_the_origin_refused_leaves_the_copy_that_was_there()
    {
        await using var f = new TierFixture();
        await f.PutAsync("good");
        f.Faults.Inject(StoreFault.On(StoreOperation.Write));
        await Assert.ThrowsAsync<StorageException>(() => f.PutAsync("failed"));
        f.Faults.Inject(StoreFault.On(StoreOperation.Read));
        Assert.Equal("good", await f.GetAsync());
    }

    [Theory]
    [InlineData(CallMoment.After, "new")]
    [InlineData(CallMoment.Before, "old")]
    public async Task After_an_unknown_outcome_the_origin_is_asked_before_any_copy_is_served(CallMoment moment, string expected)
    {
        await using var f = new TierFixture();
        await f.PutAsync("old");
        f.Faults.Inject(StoreFault.On(StoreOperation.Write) with
        {
            Moment = moment, Error = _ => new StorageException(StorageErrorKind.Timeout, "no reply") { Outcome = WriteOutcome.Unknown },
        });
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => f.PutAsync("new"));
        Assert.Equal(WriteOutcome.Unknown, e.Outcome);

        // Neither value may be served while nobody knows which it is.
        f.Faults.Inject(StoreFault.On(StoreOperation.Stat, StoreOperation.Read));
        await Assert.ThrowsAsync<StorageException>(f.GetAsync);
        f.Faults.Heal();
        Assert.Equal(expected, await f.GetAsync());
        await f.IdleAsync();
        Assert.Equal(expected, await f.GetAsync());
    }

    [Fact]
    public async Task A_failed_upper_tier_costs_a_copy_and_not_the_write()
    {
        var warm = new FaultStore(new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }));
        await using var f = new TierFixture(warm: warm);
        warm.Inject(StoreFault.On(StoreOperation.Write, StoreOperation.Read, StoreOperation.Delete));
        WriteResult result = await f.Store.PutBytesAsync(Key, Bytes("v"));
        Assert.Equal(["hot", "cold"], result.Tiers);
        await f.Hot.DeleteAsync(Key);
        Assert.Equal("v", await f.GetAsync());
        TierStatistics seen = f.Store.GetTierStatistics()[1];
        Assert.True(seen.Errors > 0, "a failure that the caller does not see must show in the statistics");
        Assert.NotNull(seen.LastError);
    }

    [Fact]
    public async Task A_failed_condition_at_the_origin_leaves_the_copies()
    {
        await using var f = new TierFixture();
        await f.PutAsync("v1");
        WriteResult refused = await f.Store.PutBytesAsync(Key, Bytes("v2"), new WriteOptions { Condition = WriteCondition.IfAbsent });
        Assert.Equal(WriteStatus.PreconditionFailed, refused.Status);
        Assert.Equal("v1", await GetAsync(f.Hot));
    }

    [Fact]
    public async Task An_upper_tier_that_is_out_does_not_keep_a_key_in_doubt_from_being_read()
    {
        var warm = new FaultStore(new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }));
        await using var f = new TierFixture(warm: warm);
        await f.PutAsync("old");
        f.Faults.Inject(StoreFault.On(StoreOperation.Write) with { Moment = CallMoment.After });
        await Assert.ThrowsAsync<StorageException>(() => f.PutAsync("new"));
        f.Faults.Heal();
        warm.Inject(StoreFault.On(StoreOperation.Stat, StoreOperation.Read, StoreOperation.Delete));
        Assert.Equal("new", await f.GetAsync());
        warm.Heal();
        await f.IdleAsync();
        await f.Hot.DeleteAsync(Key);
        Assert.Equal("new", await f.GetAsync());
    }

    [Theory]
    [InlineData(typeof(OperationCanceledException))]
    [InlineData(typeof(IOException))]
    public async Task A_write_that_ended_in_an_exception_of_another_kind_is_in_doubt_too(Type kind)
    {
        await using var f = new TierFixture();
        await f.PutAsync("old");
        f.Faults.Inject(StoreFault.On(StoreOperation.Write) with { Moment = CallMoment.After, Error = _ => (Exception)Activator.CreateInstance(kind)! });
        await Assert.ThrowsAsync(kind, () => f.PutAsync("new"));
        f.Faults.Heal();
        Assert.Equal("new", await f.GetAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_change_whose_caller_gives_up_once_the_origin_has_it_is_acknowledged_as_it_is(bool isDelete)
    {
        await using var f = new TierFixture();
        await f.PutAsync("old");
        using var giveUp = new CancellationTokenSource();
        using StoreGate committed = f.Gates.Hold(isDelete ? StoreOperation.Delete : StoreOperation.Write, CallMoment.After);
        Task<bool> change = Task.Run(async () => isDelete
            ? (await f.Store.DeleteAsync(Key, default, giveUp.Token)).Status == DeleteStatus.Deleted
            : (await f.Store.PutBytesAsync(Key, Bytes("new"), null, giveUp.Token)).IsWritten);
        await committed.WaitForArrivalAsync();
        await giveUp.CancelAsync();
        committed.Open();
        Assert.True(await change, "what the origin has committed was told otherwise");
        Assert.Equal(isDelete ? null : "new", await f.GetAsync());
        Assert.Equal(0, f.Store.GetDoubts().Keys);
    }

    [Fact]
    public async Task A_bulk_delete_that_was_cancelled_midway_leaves_no_copy_of_what_it_deleted()
    {
        await using var f = new TierFixture();
        await f.PutAsync("value");
        f.Faults.Inject(StoreFault.On(StoreOperation.DeleteMany) with { Moment = CallMoment.After, Error = _ => new OperationCanceledException() });
        await Assert.ThrowsAsync<OperationCanceledException>(() => f.Store.DeleteManyAsync([Key]).AsTask());
        f.Faults.Heal();
        Assert.Null(await f.GetAsync());
        Assert.Null(await f.Store.StatAsync(Key));
    }

    [Fact]
    public void A_tier_that_evicts_cannot_be_the_origin()
    {
        var volatileStore = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = true });
        ArgumentException e = Assert.Throws<ArgumentException>(() => new TieredBlobStore([new Tier { Name = "only", Store = volatileStore }]));
        Assert.Contains("'only'", e.Message, StringComparison.Ordinal);
        Assert.Contains("origin", e.Message, StringComparison.Ordinal);
    }
}
