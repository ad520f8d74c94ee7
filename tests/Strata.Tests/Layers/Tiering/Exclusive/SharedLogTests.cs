using Strata.Testing;
using Xunit;
using static Strata.Tests.HomesFixture;

namespace Strata.Tests;

/// <summary>CONSISTENCY 2 for placement: a change in the home that holds the index is one commit.</summary>
public sealed class SharedLogTests
{
    private static readonly WriteOptions InWarm = new() { OnlyTiers = ["warm"] };

    [Fact]
    public async Task A_change_in_the_home_that_holds_the_index_is_one_commit()
    {
        await using HomesFixture f = await OpenSharedAsync();
        await f.Store.PutBytesAsync(BlobKey.Parse("other"), Bytes(1));
        int before = f.Index.Writes;
        await f.PutAsync(50);
        await f.PutAsync(60, 2);
        Assert.Equal("text/new", (await f.Store.UpdateAsync(Key, new BlobChanges { ContentType = "text/new" })).Info!.ContentType);
        Assert.Equal("text/new", (await f.Store.StatAsync(Key))!.ContentType);
        await f.Store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(Bytes(300_000, 3))), InWarm);
        Assert.Equal("warm 300000 of 3", await f.StateAsync());
        Assert.Equal(DeleteStatus.Deleted, (await f.Store.DeleteAsync(Key)).Status);
        Assert.Equal(("none", ""), (await f.StateAsync(), await f.TiersAsync()));
        Assert.True((before, 0) == (f.Index.Writes, f.Store.Pending), $"{f.Index.Writes - before} commits of the index were made beside the blobs' own, and {f.Store.Pending} keys are unfinished.");

        // The end of an upload is one as well; that its caller has named a tier is a row before, and its removal one after.
        (MultipartUpload upload, PartReference part) = await f.BeginAsync(70, 4, InWarm);
        before = f.Index.Writes;
        Assert.Equal(CompleteStatus.Completed, (await f.Uploads.CompleteAsync(Key, upload.Id, [part])).Status);
        Assert.Equal((1, "warm 70 of 4"), (f.Index.Writes - before, await f.StateAsync()));
    }

    [Fact]
    public async Task A_rebuilt_index_goes_on_in_one_commit()
    {
        await using HomesFixture f = await OpenSharedAsync();
        await f.PutAsync(50);
        await f.Store.PutBytesAsync(BlobKey.Parse("other"), Bytes(500));
        Assert.Equal((2, 2), (await f.Store.RebuildAsync() is var done ? done.Listed : 0, done.Placed));
        int before = f.Index.Writes;
        await f.PutAsync(60, 2);
        Assert.Equal((before, "warm 60 of 2"), (f.Index.Writes, await f.StateAsync()));
    }

    [Fact]
    public async Task What_is_left_in_the_home_that_holds_the_index_goes_with_its_row()
    {
        await using HomesFixture f = await OpenSharedAsync();
        await f.PutAsync(50);
        int before = f.Index.Writes;
        await f.PutAsync(500, 2);
        Assert.Equal((2, "cold 500", 0), (f.Index.Writes - before, await f.TiersAsync(), f.Store.Pending));
        await f.Store.DeleteAsync(Key);
        Assert.Equal(("", 0), (await f.TiersAsync(), f.Store.Pending));
        await f.ReopenAsync();
        Assert.Equal(("none", 0), (await f.StateAsync(), f.Store.Pending));
    }

    [Theory]
    [InlineData(StoreOperation.Write, "warm 50 of 1", "warm 60 of 2")]
    [InlineData(StoreOperation.Delete, "warm 50 of 1", "none")]
    [InlineData(StoreOperation.CompleteUpload, "warm 50 of 1", "warm 60 of 2")]
    public async Task Blob_and_row_are_there_or_neither(StoreOperation fails, string old, string made)
    {
        foreach (WriteOutcome outcome in (WriteOutcome[])[WriteOutcome.NotApplied, WriteOutcome.Unknown])
        {
            await using HomesFixture f = await OpenSharedAsync();
            await f.PutAsync(50);
            (MultipartUpload upload, PartReference part) = await f.BeginAsync(60, 2, InWarm);
            Func<StoreOperation, Task> fault = operation => operation == fails ? throw Down(outcome) : Task.CompletedTask;
            if (outcome == WriteOutcome.Unknown) f.WarmStage.After = fault;
            else f.WarmStage.Before = fault;
            StorageException error = await Assert.ThrowsAsync<StorageException>(async () =>
            {
                if (fails == StoreOperation.Write) await f.PutAsync(60, 2);
                else if (fails == StoreOperation.Delete) await f.Store.DeleteAsync(Key);
                else await f.Uploads.CompleteAsync(Key, upload.Id, [part]);
            });
            Assert.Equal((outcome, "warm"), (error.Outcome, error.Store));
            f.WarmStage.Before = f.WarmStage.After = _ => Task.CompletedTask;
            Assert.Equal(outcome == WriteOutcome.Unknown ? made : old, await f.StateAsync());
            await f.Store.SettleNowAsync();
            await Eventually.HoldsAsync(() => f.Store.Pending == 0, "Something stays unfinished.");
            await f.ReopenAsync();
            Assert.Equal((outcome == WriteOutcome.Unknown ? made : old, 0), (await f.StateAsync(), f.Store.Pending));
        }
    }

    [Fact]
    public async Task A_move_to_the_home_that_holds_the_index_publishes_nothing_before_it_is_verified()
    {
        await using HomesFixture f = await OpenSharedAsync();
        await f.PutAsync(50, options: new WriteOptions { Tier = "cold" });
        f.WarmStage.After = async operation =>
        {
            if (operation == StoreOperation.Write) Assert.Equal("cold", (await f.Store.StatAsync(Key))!.Tier);
        };
        f.WarmStage.Before = operation => operation == StoreOperation.Read ? throw Down() : Task.CompletedTask;
        await Assert.ThrowsAsync<StorageException>(async () => await f.Store.MoveAsync(Key, "warm", false, CancellationToken.None));
        f.WarmStage.Before = f.WarmStage.After = _ => Task.CompletedTask;
        Assert.Equal(("cold 50 of 1", "cold 50", 0), (await f.StateAsync(), await f.TiersAsync(), f.Store.Pending));
        Assert.Equal(MoveStatus.Moved, await f.Store.MoveAsync(Key, "warm", false, CancellationToken.None));
        Assert.Equal(("warm 50 of 1", "warm 50", 0), (await f.StateAsync(), await f.TiersAsync(), f.Store.Pending));
    }

    [Fact]
    public async Task A_write_to_the_home_that_a_move_goes_to_wins()
    {
        await using HomesFixture f = await OpenSharedAsync();
        await f.PutAsync(50, options: new WriteOptions { Tier = "cold" });
        bool isOver = false;
        f.WarmStage.Before = async operation =>
        {
            if (operation != StoreOperation.Write || isOver) return;
            isOver = true;
            await f.PutAsync(60, 2);
        };
        Assert.Equal(MoveStatus.Overtaken, await f.Store.MoveAsync(Key, "warm", false, CancellationToken.None));
        await f.Store.SettleNowAsync();
        await Eventually.HoldsAsync(() => f.Store.Pending == 0, "Something of the move stays.");
        Assert.Equal(("warm 60 of 2", "warm 60"), (await f.StateAsync(), await f.TiersAsync()));
    }

    [Fact]
    public async Task An_index_without_room_refuses_what_needs_a_row_of_its_own_and_takes_deletes_at_its_home()
    {
        await using HomesFixture f = await OpenSharedAsync();
        await f.PutAsync(50);
        f.Clock.Advance(TimeSpan.FromMinutes(5));
        f.Index.Fails = _ => new StorageException(StorageErrorKind.Full, "The disk is full.");
        StorageException full = await Assert.ThrowsAsync<StorageException>(() => f.PutAsync(500, 2));
        Assert.Equal((StorageErrorKind.Full, WriteOutcome.NotApplied), (full.Kind, full.Outcome));
        Assert.Contains("placement index", full.Message, StringComparison.Ordinal);
        Assert.Equal(("warm 50 of 1", 0), (await f.StateAsync(), f.Store.Pending));
        Assert.Equal(DeleteStatus.Deleted, (await f.Store.DeleteAsync(Key)).Status);
        Assert.Equal(("none", ""), (await f.StateAsync(), await f.TiersAsync()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_tier_whose_stamps_are_behind_what_the_key_had_takes_a_stream(bool isShared)
    {
        await using HomesFixture f = isShared ? await OpenSharedAsync() : await OpenAsync();
        BlobInfo first = (await f.PutAsync(50)).Info!;
        var ahead = new BlobVersion(BlobVersion.At(f.Clock.GetUtcNow() + TimeSpan.FromHours(1)).Value);
        await f.PutAsync(50, 2, new WriteOptions { AsCopyOf = first with { Version = ahead, Checksum = null } });
        WriteResult streamed = await f.Store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(Bytes(300_000, 3))));
        Assert.True(streamed.Info!.Version > ahead, "A stream has a version that does not pass what it replaces.");
        Assert.Equal(("cold 300000 of 3", "cold 300000", 0), (await f.StateAsync(), await f.TiersAsync(), f.Store.Pending));
        await f.Store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(Bytes(300_000, 4))), InWarm);
        Assert.Equal(("warm 300000 of 4", "warm 300000", 0), (await f.StateAsync(), await f.TiersAsync(), f.Store.Pending));
    }
}
