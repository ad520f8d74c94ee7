using Strata.Testing;
using Xunit;
using static Strata.Tests.HomesFixture;

namespace Strata.Tests;

/// <summary>CONSISTENCY 8, its second half: each rule with the failure that it is there for.</summary>
public sealed class ExclusiveTests
{
    [Fact]
    public async Task A_blob_goes_to_the_first_tier_that_takes_its_length()
    {
        await using HomesFixture f = await OpenAsync();
        Assert.Equal(["warm"], (await f.PutAsync(100)).Tiers);
        Assert.Equal("warm 100", await f.TiersAsync());
        Assert.Equal(["cold"], (await f.PutAsync(101, 2)).Tiers);
        Assert.Equal("cold 101", await f.TiersAsync());
        Assert.Equal("cold 101 of 2", await f.StateAsync());
        Assert.Equal(0, f.Store.Pending);
    }

    [Fact]
    public async Task A_rule_and_before_it_the_option_of_a_write_say_where_a_blob_goes()
    {
        await using HomesFixture f = await OpenAsync(false, new PlacementRule { Prefix = "a/", Tier = "cold" });
        Assert.Equal(["cold"], (await f.PutAsync(10)).Tiers);
        Assert.Equal(["warm"], (await f.PutAsync(10, options: new WriteOptions { Tier = "warm" })).Tiers);
        Assert.Equal(["warm"], (await f.Store.PutBytesAsync(BlobKey.Parse("b"), Bytes(10))).Tiers);
        Assert.Equal(["cold"], (await f.Store.PutBytesAsync(BlobKey.Parse("b"), Bytes(10), new WriteOptions { SkipTiers = ["warm"] })).Tiers);
    }

    [Fact]
    public async Task A_full_tier_falls_to_the_next()
    {
        await using HomesFixture f = await OpenAsync();
        f.WarmStage.Before = operation => operation == StoreOperation.Write ? throw new StorageException(StorageErrorKind.Full, "No room.") : Task.CompletedTask;
        Assert.Equal(["cold"], (await f.PutAsync(10)).Tiers);
        f.ColdStage.Before = f.WarmStage.Before;
        StorageException full = await Assert.ThrowsAsync<StorageException>(() => f.PutAsync(11));
        Assert.Equal((StorageErrorKind.Full, WriteOutcome.NotApplied), (full.Kind, full.Outcome));
        Assert.Equal("cold 10 of 1", await f.StateAsync());
        Assert.Equal(0, f.Store.Pending);
    }

    [Fact]
    public async Task A_home_that_is_out_costs_its_own_blobs()
    {
        await using HomesFixture f = await OpenAsync();
        BlobKey other = BlobKey.Parse("other"), third = BlobKey.Parse("third");
        await f.PutAsync(500);
        await f.Store.PutBytesAsync(third, Bytes(500));
        await f.Store.PutBytesAsync(other, Bytes(50));
        f.ColdStage.Before = _ => throw Down();
        Assert.Equal(Bytes(50), await f.Store.GetBytesAsync(other));
        Assert.Equal(["warm"], (await f.Store.PutBytesAsync(other, Bytes(60))).Tiers);
        Assert.Equal(3, (await f.Store.ListPageAsync(new ListRequest())).Items.Count);
        foreach (Func<Task> refused in (Func<Task>[])[() => f.Store.GetBytesAsync(Key).AsTask(), () => f.PutAsync(600, 2), () => f.Store.UpdateAsync(Key, new BlobChanges { ContentType = "text/new" }).AsTask()])
        {
            StorageException error = await Assert.ThrowsAsync<StorageException>(refused);
            Assert.Equal((StorageErrorKind.Unavailable, "cold", WriteOutcome.NotApplied), (error.Kind, error.Store, error.Outcome));
        }

        // What the index alone decides goes on.
        Assert.Equal(["warm"], (await f.PutAsync(70, 3)).Tiers);
        Assert.Equal(DeleteStatus.Deleted, (await f.Store.DeleteAsync(third)).Status);
        Assert.Equal("warm 70 of 3", await f.StateAsync());
        f.ColdStage.Before = _ => Task.CompletedTask;
        await f.Store.SettleNowAsync();
        await Eventually.HoldsAsync(() => f.Store.Pending == 0, "The old bytes stay.");
        Assert.Equal("warm 70", await f.TiersAsync());
        Assert.Empty((await f.Cold.ListPageAsync(new ListRequest())).Items);
    }

    [Fact]
    public async Task A_stream_that_declares_its_length_goes_where_that_belongs()
    {
        await using HomesFixture f = await OpenAsync();
        await using ExclusiveBlobStore store = await ExclusiveBlobStore.OpenAsync(
            [new Tier { Name = "warm", Store = f.WarmStage, MaxBlobBytes = 500_000 }, new Tier { Name = "cold", Store = f.ColdStage }], new MemoryKvDatabase(null, f.Context), ownsIndex: true, null, f.Context);
        await using IBlobWriter writer = await store.OpenWriterAsync(Key, new WriteOptions { DeclaredLength = 400_000 });
        await writer.WriteAsync(Bytes(400_000), CancellationToken.None);
        Assert.Equal(["warm"], (await writer.CommitAsync(null, CancellationToken.None)).Tiers);
        await using IBlobWriter unknown = await store.OpenWriterAsync(Key);
        await unknown.WriteAsync(Bytes(400_000), CancellationToken.None);
        Assert.Equal(["cold"], (await unknown.CommitAsync(null, CancellationToken.None)).Tiers);
    }

    [Fact]
    public async Task Lists_stats_and_conditions_ask_no_tier()
    {
        await using HomesFixture f = await OpenAsync();
        BlobInfo info = (await f.PutAsync(500, options: new WriteOptions { ContentType = "text/plain" })).Info!;
        f.WarmStage.Before = f.ColdStage.Before = _ => throw Down();
        Assert.Equal("text/plain", (await f.Store.StatAsync(Key))!.ContentType);
        Assert.Equal([info], (await f.Store.ListPageAsync(new ListRequest())).Items);
        Assert.Equal(WriteStatus.PreconditionFailed, (await f.Store.PutBytesAsync(Key, Bytes(1), new WriteOptions { Condition = WriteCondition.IfAbsent })).Status);
        Assert.Equal(DeleteStatus.PreconditionFailed, (await f.Store.DeleteAsync(Key, WriteCondition.IfMatch("another"))).Status);
        Assert.Equal(BlobReadStatus.NotModified, (await f.Store.ReadAsync(Key, new ReadOptions { IfNoneMatch = info.ETag }))!.Status);
        Assert.Equal(["cold"], await f.Store.LocateAsync(Key, CancellationToken.None));
    }

    [Fact]
    public async Task A_home_that_lost_a_blob_or_holds_an_older_one_is_told_by_name()
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(500, 1);
        BlobInfo old = (await f.Cold.StatAsync(Key))!;
        await f.PutAsync(500, 2);
        await f.Cold.PutBytesAsync(Key, Bytes(500), new WriteOptions { AsCopyOf = old });
        await CorruptAsync();
        await f.Cold.DeleteAsync(Key);
        await CorruptAsync();

        async Task CorruptAsync()
        {
            StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await f.Store.ReadAsync(Key));
            Assert.Equal((StorageErrorKind.Corrupt, "cold"), (error.Kind, error.Store));
        }
    }

    [Fact]
    public async Task A_read_that_finds_the_blob_moved_away_looks_again()
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(50);
        int reads = 0;
        f.WarmStage.Before = async operation =>
        {
            if (operation == StoreOperation.Read && reads++ == 0) Assert.Equal(MoveStatus.Moved, await f.Store.MoveAsync(Key, "cold", false, CancellationToken.None));
        };
        Assert.Equal(Bytes(50), await f.Store.GetBytesAsync(Key));
        Assert.Equal("cold 50", await f.TiersAsync());
    }

    [Fact]
    public async Task A_tombstone_stays_until_the_tier_has_confirmed_the_delete()
    {
        await using HomesFixture f = await OpenAsync();
        BlobInfo info = (await f.PutAsync(500)).Info!;
        f.ColdStage.Before = operation => operation == StoreOperation.Delete ? throw Down() : Task.CompletedTask;
        Assert.Equal(DeleteStatus.Deleted, (await f.Store.DeleteAsync(Key)).Status);
        f.Clock.Advance(TimeSpan.FromDays(30));
        await f.ReopenAsync();
        Assert.Equal("none", await f.StateAsync());
        Assert.Empty((await f.Store.ListPageAsync(new ListRequest())).Items);
        Assert.Equal(WriteStatus.PreconditionFailed, (await f.Store.PutBytesAsync(Key, Bytes(1), new WriteOptions { AsCopyOf = info with { Length = 1, Checksum = null }, Condition = WriteCondition.IfOlder(info.Version) })).Status);
        Assert.Equal("cold 500", await f.TiersAsync());

        f.ColdStage.Before = _ => Task.CompletedTask;
        await f.Store.SettleNowAsync();
        Assert.Equal("", await f.TiersAsync());
        Assert.Equal(0, f.Store.Pending);
    }

    [Fact]
    public async Task A_rebuild_does_not_bring_back_what_was_deleted_and_not_removed_yet()
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(500);
        f.ColdStage.Before = operation => operation == StoreOperation.Delete ? throw Down() : Task.CompletedTask;
        await f.Store.DeleteAsync(Key);
        await f.Store.RebuildAsync();
        Assert.Equal("none", await f.StateAsync());
        f.ColdStage.Before = _ => Task.CompletedTask;
        await f.Store.SettleNowAsync();
        Assert.Equal(("", 0), (await f.TiersAsync(), f.Store.Pending));
    }

    [Fact]
    public async Task A_lost_index_is_made_of_what_the_tiers_hold_and_the_highest_version_counts()
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(50, 1);
        f.WarmStage.Before = operation => operation == StoreOperation.Delete ? throw Down() : Task.CompletedTask;
        BlobInfo info = (await f.PutAsync(500, 2, new WriteOptions { ContentType = "text/plain" })).Info!;
        await f.Store.PutBytesAsync(BlobKey.Parse("z"), Bytes(3));
        Assert.Equal("warm 50 cold 500", await f.TiersAsync());
        f.WarmStage.Before = _ => Task.CompletedTask;
        await f.Store.DisposeAsync();

        await using var empty = new MemoryKvDatabase(null, f.Context);
        await using ExclusiveBlobStore found = await ExclusiveBlobStore.OpenAsync([new Tier { Name = "warm", Store = f.WarmStage }, new Tier { Name = "cold", Store = f.ColdStage }], empty, ownsIndex: false, null, f.Context);
        Assert.Equal(info, await found.StatAsync(Key));
        Assert.Equal(Bytes(500, 2), await found.GetBytesAsync(Key));
        Assert.Equal(["a/key", "z"], (await found.ListPageAsync(new ListRequest())).Items.Select(i => i.Key.Value));
        await found.SettleNowAsync();
        Assert.Equal(("cold 500", 0), (await f.TiersAsync(), found.Pending));
        Assert.True((await found.PutBytesAsync(Key, Bytes(1))).Info!.Version > info.Version);
    }

    [Fact]
    public async Task A_rebuild_that_is_interrupted_serves_nothing_and_begins_again()
    {
        await using HomesFixture f = await OpenAsync();
        for (int i = 0; i < 100; i++) await f.Store.PutBytesAsync(BlobKey.Parse($"k{i:000}"), Bytes(i * 2));
        f.ColdStage.Before = operation => operation == StoreOperation.List ? throw Down() : Task.CompletedTask;
        await Assert.ThrowsAsync<StorageException>(async () => await f.Store.RebuildAsync());
        Assert.Equal(StorageErrorKind.Changed, (await Assert.ThrowsAsync<StorageException>(async () => await f.Store.StatAsync(BlobKey.Parse("k099")))).Kind);
        f.ColdStage.Before = _ => Task.CompletedTask;
        await f.ReopenAsync();
        Assert.Equal(100, (await f.Store.ListPageAsync(new ListRequest())).Items.Count);
        var told = new List<PlacementRebuild>();
        PlacementRebuild done = await f.Store.RebuildAsync(new Told(told));
        Assert.Equal((100, 100, 0), (done.Listed, done.Placed, done.Leftovers));
        Assert.Equal(["warm", "cold"], told.Select(p => p.Tier));
    }

    [Fact]
    public async Task A_tier_that_blobs_live_in_cannot_be_left_out()
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(500);
        await f.Store.DisposeAsync();
        Tier[] without = [new Tier { Name = "warm", Store = f.WarmStage }, new Tier { Name = "other", Store = f.ColdStage }];
        ArgumentException error = await Assert.ThrowsAsync<ArgumentException>(async () => await ExclusiveBlobStore.OpenAsync(without, f.Index, ownsIndex: false, null, f.Context));
        Assert.Contains("'a/key', live in tier 'cold'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tier_that_evicts_or_has_other_writers_is_no_home()
    {
        await using HomesFixture f = await OpenAsync();
        var evicting = new StagedTier(f.Warm);
        evicting.Capabilities = evicting.Capabilities with { IsVolatile = true };
        Assert.Contains("put it above all durable tiers", await RefusalAsync(evicting), StringComparison.Ordinal);
        var shared = new StagedTier(f.Warm);
        shared.Capabilities = shared.Capabilities with { IsSingleWriter = false };
        Assert.Contains("singleWriter=true", await RefusalAsync(shared), StringComparison.Ordinal);
        Assert.Contains("Tiering:Containment to Inclusive", await RefusalAsync(), StringComparison.Ordinal);

        async Task<string> RefusalAsync(params StagedTier[] tiers)
        {
            Tier[] homes = [new Tier { Name = "warm", Store = f.WarmStage }, .. tiers.Select(tier => new Tier { Name = "bad", Store = tier })];
            return (await Assert.ThrowsAsync<ArgumentException>(async () => await ExclusiveBlobStore.OpenAsync(homes, f.Index, ownsIndex: false, null, f.Context))).Message;
        }
    }

    private sealed class Told(List<PlacementRebuild> told) : IProgress<PlacementRebuild>
    {
        public void Report(PlacementRebuild value) => told.Add(value);
    }
}
