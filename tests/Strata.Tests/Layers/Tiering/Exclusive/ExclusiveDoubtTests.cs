using Strata.Testing;
using Xunit;
using static Strata.Tests.HomesFixture;

namespace Strata.Tests;

/// <summary>CONSISTENCY 5 and 8: changes of homes whose outcome nobody knows, staged.</summary>
public sealed class ExclusiveDoubtTests
{
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(15);

    [Theory]
    [InlineData(50)]
    [InlineData(500)]
    public async Task A_write_that_a_tier_made_and_did_not_confirm_is_carried_on(int before)
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(before);
        f.ColdStage.After = operation => operation == StoreOperation.Write ? throw Down(WriteOutcome.Unknown) : Task.CompletedTask;
        StorageException error = await Assert.ThrowsAsync<StorageException>(() => f.PutAsync(600, 2));
        Assert.Equal((WriteOutcome.Unknown, "cold"), (error.Outcome, error.Store));
        await f.Store.SettleNowAsync();
        await Eventually.HoldsAsync(() => f.Store.Pending == 0, "The change stays unfinished.");
        Assert.Equal("cold 600 of 2", await f.StateAsync());
        Assert.Equal("cold 600", await f.TiersAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reader_of_a_home_that_was_overwritten_without_confirmation_sees_one_write_whole(bool isRemote)
    {
        await using HomesFixture f = await OpenAsync(isRemote);
        await f.PutAsync(500);
        f.ColdStage.After = operation => operation == StoreOperation.Write ? throw Down(WriteOutcome.Unknown) : Task.CompletedTask;
        await Assert.ThrowsAsync<StorageException>(() => f.PutAsync(600, 2));
        Assert.Equal(Bytes(600, 2), await f.Store.GetBytesAsync(Key));
        Assert.Equal("cold 600 of 2", await f.StateAsync());
    }

    [Fact]
    public async Task A_write_that_comes_through_late_neither_returns_nor_covers_a_later_one()
    {
        await using HomesFixture f = await OpenAsync(isRemote: true);
        await f.PutAsync(50);
        BlobInfo late = await LoseAsync(f, 600);
        Assert.Equal("warm 50 of 1", await f.StateAsync());
        await f.PutAsync(60, 3);
        await f.Cold.PutBytesAsync(Key, Bytes(600, 2), new WriteOptions { AsCopyOf = late });
        Assert.Equal("warm 60 of 3", await f.StateAsync());
        f.Clock.Advance(Life + TimeSpan.FromSeconds(1));
        await f.Store.SettleNowAsync();
        await Eventually.HoldsAsync(() => f.Store.Pending == 0, "The late bytes are not removed.");
        Assert.Equal("warm 60", await f.TiersAsync());
    }

    [Fact]
    public async Task A_write_that_comes_through_late_does_not_undo_a_delete()
    {
        await using HomesFixture f = await OpenAsync(isRemote: true);
        BlobInfo late = await LoseAsync(f, 600);
        Assert.Equal(DeleteStatus.Missing, (await f.Store.DeleteAsync(Key)).Status);
        await f.Cold.PutBytesAsync(Key, Bytes(600, 2), new WriteOptions { AsCopyOf = late });
        Assert.Equal("none", await f.StateAsync());
        await f.ReopenAsync();
        Assert.Equal("none", await f.StateAsync());
        f.Clock.Advance(Life + TimeSpan.FromSeconds(1));
        await f.Store.SettleNowAsync();
        await Eventually.HoldsAsync(() => f.Store.Pending == 0, "The late bytes are not removed.");
        Assert.Equal("", await f.TiersAsync());
    }

    [Fact]
    public async Task Nothing_new_goes_where_an_older_request_may_come_through()
    {
        await using HomesFixture f = await OpenAsync(isRemote: true);
        await LoseAsync(f, 600);
        StorageException blocked = await Assert.ThrowsAsync<StorageException>(() => f.PutAsync(700, 3));
        Assert.Equal((StorageErrorKind.Unavailable, WriteOutcome.NotApplied, true), (blocked.Kind, blocked.Outcome, blocked.IsTransient));
        f.Clock.Advance(Life + TimeSpan.FromSeconds(1));
        await f.PutAsync(700, 3);
        Assert.Equal("cold 700 of 3", await f.StateAsync());
    }

    [Fact]
    public async Task A_removal_that_comes_through_late_does_not_take_a_newer_blob()
    {
        await using HomesFixture f = await OpenAsync(isRemote: true);
        await f.PutAsync(50);
        f.WarmStage.Before = operation => operation == StoreOperation.Delete ? throw Down(WriteOutcome.Unknown) : Task.CompletedTask;
        await f.PutAsync(600, 2);
        await f.Store.SettleNowAsync();
        await Eventually.HoldsAsync(() => f.Store.IsBlocked(Key, "warm"), "The removal was not tried.");
        f.WarmStage.Before = _ => Task.CompletedTask;

        // It would belong in the tier where the removal may still come.
        await f.PutAsync(60, 3);
        await f.Warm.DeleteAsync(Key);
        Assert.Equal("cold 60 of 3", await f.StateAsync());
    }

    [Fact]
    public async Task An_index_that_cannot_take_the_change_leaves_it_to_be_carried_on()
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(50);
        int before = f.Index.Writes;
        f.Index.Fails = write => write >= before + 2 ? Down() : null;
        StorageException error = await Assert.ThrowsAsync<StorageException>(() => f.PutAsync(600, 2));
        Assert.Equal(WriteOutcome.Unknown, error.Outcome);
        f.Index.Fails = _ => null;
        await f.ReopenAsync();
        await f.Store.SettleNowAsync();
        await Eventually.HoldsAsync(() => f.Store.Pending == 0, "The change stays unfinished.");
        Assert.Equal("cold 600 of 2", await f.StateAsync());
        Assert.Equal("cold 600", await f.TiersAsync());
    }

    [Theory]
    [InlineData(WriteOutcome.NotApplied)]
    [InlineData(WriteOutcome.Unknown)]
    public async Task An_index_that_cannot_note_the_intent_has_nothing_written(WriteOutcome outcome)
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(50);
        int before = f.Index.Writes;
        f.Index.Fails = write => write == before + 1 ? Down(outcome) : null;
        StorageException error = await Assert.ThrowsAsync<StorageException>(() => f.PutAsync(600, 2));
        Assert.Equal(WriteOutcome.NotApplied, error.Outcome);
        await f.Store.SettleNowAsync();
        await Eventually.HoldsAsync(() => f.Store.Pending == 0, "The intent stays.");
        Assert.Equal(("warm 50 of 1", "warm 50"), (await f.StateAsync(), await f.TiersAsync()));
    }

    [Fact]
    public async Task What_a_change_came_to_that_a_crash_interrupted_is_known_before_anything_is_read()
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(50);
        int before = f.Index.Writes;
        f.Index.Fails = write => write >= before + 2 ? Down() : null;
        await Assert.ThrowsAsync<StorageException>(() => f.PutAsync(600, 2));
        f.ColdStage.Before = _ => throw Down();
        await f.ReopenAsync();

        // Else the old blob would be read, and copied above, and be another one soon after.
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await f.Store.StatAsync(Key));
        Assert.Equal((StorageErrorKind.Unavailable, "cold"), (error.Kind, error.Store));
        f.Index.Fails = _ => null;
        f.ColdStage.Before = _ => Task.CompletedTask;
        Assert.Equal("cold 600 of 2", await f.StateAsync());
    }

    [Fact]
    public async Task A_request_of_a_process_before_leaves_no_older_copy_in_memory_when_it_comes_through()
    {
        await using HomesFixture f = await OpenAsync(isRemote: true);
        await f.PutAsync(500);
        BlobInfo late = await LoseAsync(f, 600);
        await f.ReopenAsync();
        var hot = new Tier { Name = "hot", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true, MaxBytes = 1 << 20 }, f.Context) };
        await using TieredBlobStore store = await TieredBlobStore.OpenAsync([hot, new Tier { Name = "homes", Store = f.Store }], null, f.Context, f.Index);
        Assert.Equal(Bytes(500), await store.GetBytesAsync(Key));
        await Eventually.HoldsAsync(() => store.IsIdle, "Copies are made for ever.");
        await f.Cold.PutBytesAsync(Key, Bytes(600, 2), new WriteOptions { AsCopyOf = late });
        Assert.Equal(Bytes(600, 2), await store.GetBytesAsync(Key));
    }

    /// <summary>A write whose request is on its way when it is given up.</summary>
    /// <returns>The blob that it would make.</returns>
    private static async Task<BlobInfo> LoseAsync(HomesFixture f, int length)
    {
        f.ColdStage.Before = operation => operation == StoreOperation.Write ? throw Down(WriteOutcome.Unknown) : Task.CompletedTask;
        await Assert.ThrowsAsync<StorageException>(() => f.PutAsync(length, 2));
        f.ColdStage.Before = _ => Task.CompletedTask;
        IReadOnlyList<PlacementIntent> journal = await new PlacementIndex(f.Rows, "home", f.Clock).ReadJournalAsync(CancellationToken.None);
        PlacementChange change = Assert.Single(journal).Change!;
        return new BlobInfo { Key = Key, Length = length, Version = change.Version, ETag = change.Version.ToETag(), Checksum = change.Checksum, Created = change.Began, Modified = change.Began };
    }
}
