using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>What a reader, a writer and the origin see while the origin lacks what was acknowledged.</summary>
public sealed class WriteBackTests : WriteBackFixture
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task A_write_is_acknowledged_before_the_origin_has_it_and_gets_there()
    {
        await OpenAsync();
        using StoreGate gate = Gates.Hold(StoreOperation.Write);
        WriteResult result = await Store.PutBytesAsync(Key, new byte[] { 49 });
        Assert.Equal(["warm"], result.Tiers);
        Assert.Equal("1", await GetAsync());
        Assert.Null(await AtOriginAsync());
        Assert.Equal((1, 1), (Store.GetStatus().Pending, Store.GetStatus().PendingBytes));
        Assert.Equal(["warm"], await Store.LocateAsync(Key, CancellationToken.None));
        gate.Open();
        Assert.Equal(0, await Store.FlushAsync());
        await DrainedAsync();
        BlobInfo? there = await Origin.StatAsync(Key);
        Assert.True(there!.IsSameWriteAs(result.Info!), "the origin did not get the write as it was acknowledged, with its version and ETag");
        Assert.Equal(["warm", "cold"], await Store.LocateAsync(Key, CancellationToken.None));
        long reads = Faults.CountOf(StoreOperation.Stat) + Faults.CountOf(StoreOperation.Read);
        Assert.Equal("1", await GetAsync());
        Assert.Equal(reads, Faults.CountOf(StoreOperation.Stat) + Faults.CountOf(StoreOperation.Read));
    }

    [Theory]
    [InlineData("warm", 1)]
    [InlineData("cold", 0)]
    public async Task A_write_begins_in_the_tier_that_its_caller_names(string tier, int pending)
    {
        await OpenAsync();
        Faults.Inject(StoreFault.On(StoreOperation.Delete));
        using StoreGate gate = Gates.Hold(StoreOperation.Write);
        if (pending == 0) gate.Open();
        WriteResult result = await Store.PutBytesAsync(Key, new byte[] { 49 }, new WriteOptions { Tier = tier });
        Assert.Equal([tier], result.Tiers);
        Assert.Equal(pending, Store.GetStatus().Pending);
        await using (IBlobWriter writer = await Store.OpenWriterAsync(BlobKey.Parse("b"), new WriteOptions { Tier = tier }))
            Assert.Equal([tier], (await writer.CommitAsync(null, CancellationToken.None)).Tiers);
    }

    /// <summary>Else the delete bears the version of what it deletes, and the origin keeps that.</summary>
    [Fact]
    public async Task A_delete_while_the_origin_is_out_passes_what_was_written_there_at_once()
    {
        await OpenAsync();
        await PutAsync("1");
        Assert.Equal(0, await Store.FlushAsync());
        await DrainedAsync();
        Assert.True((await Store.PutBytesAsync(Key, new byte[] { 50 }, new WriteOptions { SkipTiers = ["warm"] })).IsWritten);
        Faults.Inject(new StoreFault());
        Assert.Equal(DeleteStatus.Deleted, (await Store.DeleteAsync(Key)).Status);
        Faults.Heal();
        await Eventually.HoldsAsync(() =>
        {
            Clock.Advance(TimeSpan.FromSeconds(10));
            return Store.GetStatus().Pending == 0;
        }, "the delete is not sent");
        Assert.Null(await AtOriginAsync());
        Assert.Null(await GetAsync());
    }

    [Fact]
    public async Task Conditions_and_lists_see_what_the_origin_does_not_have()
    {
        BlobKey gone = BlobKey.Parse("b/gone"), kept = BlobKey.Parse("b/kept"), only = BlobKey.Parse("c/only");
        foreach (BlobKey key in (BlobKey[])[Key, gone, kept, only]) await Origin.PutBytesAsync(key, new byte[1]);
        Clock.Advance(Hour);
        await OpenAsync();
        Faults.Inject(StoreFault.On(StoreOperation.Write, StoreOperation.Delete) with { Kind = StorageErrorKind.Full });
        BlobInfo before = (await Store.StatAsync(Key))!;
        await PutAsync("12");
        await Store.DeleteAsync(gone);
        await Store.DeleteAsync(only);
        await PutAsync(BlobKey.Parse("d/new"), "1");

        Assert.Equal(WriteStatus.PreconditionFailed, (await Store.PutBytesAsync(Key, new byte[3], new WriteOptions { Condition = WriteCondition.IfMatch(before.ETag) })).Status);
        Assert.Equal(WriteStatus.PreconditionFailed, (await Store.PutBytesAsync(Key, new byte[3], new WriteOptions { Condition = WriteCondition.IfAbsent })).Status);
        Assert.Equal(DeleteStatus.PreconditionFailed, (await Store.DeleteAsync(Key, WriteCondition.IfMatch(before.ETag))).Status);
        Assert.Equal(DeleteStatus.Missing, (await Store.DeleteAsync(gone)).Status);
        Assert.Null(await Store.StatAsync(gone));
        Assert.Equal(["a/key 2", "b/kept 1", "d/new 1"], (await Store.ListPageAsync(new ListRequest())).Items.Select(i => $"{i.Key} {i.Length}"));

        // A group of which nothing is left is none, whatever the origin still shows.
        Assert.Equal(["a/", "b/", "d/"], (await Store.ListPageAsync(new ListRequest { Delimiter = "/" })).Prefixes);
        Assert.True((await Store.PutBytesAsync(gone, new byte[4], new WriteOptions { Condition = WriteCondition.IfAbsent })).IsWritten);
        var paged = new List<string>();
        var request = new ListRequest { Limit = 1 };
        do
        {
            ListPage page = await Store.ListPageAsync(request);
            paged.AddRange(page.Items.Select(i => i.Key.Value));
            request = request with { Token = page.Token };
        }
        while (request.Token is not null);
        Assert.Equal(["a/key", "b/gone", "b/kept", "d/new"], paged);
    }

    [Fact]
    public async Task A_delete_while_its_write_is_being_sent_is_what_stays()
    {
        await OpenAsync();
        using StoreGate gate = Gates.Hold(StoreOperation.Write);
        await PutAsync("1");
        await gate.WaitForArrivalAsync();
        Assert.Equal(DeleteStatus.Deleted, (await Store.DeleteAsync(Key)).Status);
        Assert.Null(await GetAsync());
        gate.Open();
        await Store.FlushAsync();
        await DrainedAsync();
        Assert.Null(await AtOriginAsync());
        Assert.Null(await GetAsync());
    }

    [Fact]
    public async Task Writes_of_a_key_that_wait_together_are_sent_once()
    {
        await OpenAsync(new TieringOptions { WriteBack = new WriteBackOptions { Parallelism = 1 } });
        using StoreGate gate = Gates.Hold(StoreOperation.Write);
        await PutAsync(BlobKey.Parse("other"), "1");
        await gate.WaitForArrivalAsync();
        for (int i = 0; i < 5; i++) await PutAsync($"{i}");
        gate.Open();
        await Store.FlushAsync();
        Assert.Equal("4", await AtOriginAsync());
        Assert.Equal(2, Faults.CountOf(StoreOperation.Write));
    }

    [Fact]
    public async Task An_origin_that_is_out_for_an_hour_holds_nothing_up_and_gets_everything_afterwards()
    {
        BlobKey gone = BlobKey.Parse("gone");
        await Origin.PutBytesAsync(gone, new byte[1]);
        await OpenAsync();
        Faults.Inject(new StoreFault());
        for (int i = 0; i < 60; i++)
        {
            await PutAsync(BlobKey.Parse($"k{i}"), $"{i}");
            await PutAsync($"{i}");
            Assert.Equal($"{i}", await GetAsync());
            Clock.Advance(TimeSpan.FromMinutes(1));
            await Task.Yield();
        }

        await Eventually.HoldsAsync(() => Store.GetStatus().UnreachableSince is not null, "nobody noticed that the origin is out");

        // Whether it was there nobody can say; it will be gone.
        Assert.Equal(DeleteStatus.Deleted, (await Store.DeleteAsync(gone)).Status);
        Assert.Null(await Store.StatAsync(gone));
        Assert.Equal((62, 0), (Store.GetStatus().Pending, Store.GetStatus().Dead));
        Faults.Heal();
        await Eventually.HoldsAsync(() =>
        {
            Clock.Advance(TimeSpan.FromSeconds(10));
            return Store.GetStatus().Pending == 0;
        }, () => $"the origin is back and does not get what is pending: {Store.GetStatus()}");
        Assert.Equal("59", await AtOriginAsync());
        Assert.Equal("7", await GetAsync(Origin, BlobKey.Parse("k7")));
        Assert.Null(await Origin.StatAsync(gone));
    }

    [Fact]
    public async Task A_slow_origin_delays_no_write_before_the_limit_and_every_write_beyond_it()
    {
        await OpenAsync(new TieringOptions { WriteBack = new WriteBackOptions { MaxPendingBytes = 64 << 10 } });
        using StoreGate gate = Gates.Hold(StoreOperation.Write);
        for (int i = 0; i < 2; i++) Assert.True((await Store.PutBytesAsync(BlobKey.Parse($"k{i}"), new byte[40_000])).IsWritten);
        Assert.True(Store.GetStatus().HoldsUpWrites);
        Task<WriteResult> waits = Store.PutBytesAsync(BlobKey.Parse("k2"), new byte[40_000]).AsTask();
        Assert.False(waits.IsCompleted, "a write was taken beyond the limit");
        gate.Open();
        Assert.True((await waits).IsWritten);
    }

    [Fact]
    public async Task What_the_origin_does_not_have_is_never_evicted()
    {
        var warm = new DiskBlobStoreOptions { Path = "", Evicts = true, MaxBytes = 256 << 10 };
        await OpenAsync(new TieringOptions { WriteBack = new WriteBackOptions { MaxPendingBytes = 1 << 30 } }, warm);
        Faults.Inject(StoreFault.On(StoreOperation.Write) with { Kind = StorageErrorKind.Full });
        var acknowledged = new List<BlobKey>();
        StorageException? full = null;
        for (int i = 0; full is null; i++)
        {
            var key = BlobKey.Parse($"k{i}");
            full = await Record.ExceptionAsync(async () => await Store.PutBytesAsync(key, new byte[20_000])) as StorageException;
            if (full is null) acknowledged.Add(key);
        }

        Assert.Equal(StorageErrorKind.Full, full.Kind);
        Assert.Contains("before the tier below has it", full.Message, StringComparison.Ordinal);
        Assert.InRange(acknowledged.Count, 8, 13);
        foreach (BlobKey key in acknowledged) Assert.Equal(20_000, (await Store.GetBytesAsync(key))?.Length);
        Faults.Heal();
        await Eventually.HoldsAsync(() =>
        {
            Clock.Advance(TimeSpan.FromSeconds(30));
            return Store.GetStatus().Pending == 0;
        }, "what was pending is not sent");
        for (int i = 0; i < 30; i++)
        {
            await Store.PutBytesAsync(BlobKey.Parse($"more{i}"), new byte[20_000]);
            await DrainedAsync();
        }

        foreach (BlobKey key in acknowledged) Assert.Equal(20_000, (await Store.GetBytesAsync(key))?.Length);
    }

    [Fact]
    public async Task What_is_longer_than_the_warm_tier_takes_is_the_origins_at_once_behind_what_was_written_before()
    {
        await OpenAsync(maxBlobBytes: 1_000);
        using StoreGate gate = Gates.Hold(StoreOperation.Write);
        await PutAsync("1");
        await gate.WaitForArrivalAsync();
        Task<WriteResult> straight = Store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(new byte[2_000]), 2_000)).AsTask();
        gate.Open();
        WriteResult result = await straight;
        Assert.Equal(["cold"], result.Tiers);
        Assert.Equal(2_000, (await Store.GetBytesAsync(Key))!.Length);
        Assert.Equal(2_000, (await Origin.GetBytesAsync(Key))!.Length);
        await DrainedAsync();

        // And is replaced by what it takes, with a later version.
        WriteResult shorter = await Store.PutBytesAsync(Key, new byte[10]);
        Assert.True(shorter.Info!.Version > result.Info!.Version && shorter.Info.Created == result.Info.Created);
        await Store.FlushAsync();
        Assert.Equal(10, (await Origin.GetBytesAsync(Key))!.Length);
    }

    [Fact]
    public async Task What_the_origin_refuses_is_a_dead_letter_that_stays_readable_until_it_is_replayed_or_discarded()
    {
        BlobKey other = BlobKey.Parse("other");
        await Origin.PutBytesAsync(other, new byte[1]);
        await OpenAsync();
        Faults.Inject(StoreFault.On(StoreOperation.Write) with { Kind = StorageErrorKind.TooLarge });
        await PutAsync("1");
        await PutAsync(other, "22");
        await Store.FlushAsync();
        await Eventually.HoldsAsync(() => Store.GetStatus().Dead == 2, "the dead letters are not told");
        await ReopenAsync();
        Assert.Equal((2, 2), (Store.GetStatus().Pending, Store.GetStatus().Dead));
        Assert.Equal(("1", "22"), (await GetAsync(), await GetAsync(Store, other)));
        Faults.Heal();
        Assert.True(await Store.ReplayAsync(Key));
        Assert.Equal(0, await Store.FlushAsync());
        Assert.Equal("1", await AtOriginAsync());
        Assert.Equal([other.Value], await Store.ListDeadLettersAsync().Select(l => l.Key).ToListAsync());
        Assert.True(await Store.DiscardAsync(other));
        Assert.Single((await Store.GetBytesAsync(other))!);
        Assert.False(await Store.DiscardAsync(other));
        await DrainedAsync();
    }

    [Fact]
    public async Task A_version_that_the_origin_holds_from_ahead_of_the_clock_is_passed_and_not_waited_for()
    {
        var future = new StoreContext { Clock = new FakeClock(Clock.GetUtcNow() + Hour) };
        await using (var ahead = new MemoryBlobStore(null, future))
        {
            BlobInfo info = (await ahead.PutBytesAsync(Key, new byte[1])).Info!;
            await Origin.PutBytesAsync(Key, new byte[1], new WriteOptions { AsCopyOf = info });
        }

        BlobVersion before = (await Origin.StatAsync(Key))!.Version;
        await OpenAsync();
        WriteResult written = await Store.PutBytesAsync(Key, new byte[2]);
        await Store.FlushAsync();
        await DrainedAsync();
        BlobInfo after = (await Origin.StatAsync(Key))!;
        Assert.Equal((2, written.Info!.ETag), (after.Length, after.ETag));
        Assert.True(after.Version > before);
        await Store.DeleteAsync(Key);
        await Store.FlushAsync();
        Assert.Null(await Origin.StatAsync(Key));
    }

    [Fact]
    public async Task A_send_of_unknown_outcome_that_comes_through_late_does_not_undo_a_later_one()
    {
        await OpenAsync(origin: new ComparesNothing(Faults));
        BlobInfo first = (await Store.PutBytesAsync(Key, new byte[] { 49 })).Info!;
        await Store.FlushAsync();
        Faults.Inject(StoreFault.On(StoreOperation.Write) with { Moment = CallMoment.After, Times = 1 });
        await PutAsync("2");

        // It looks whether the origin is there, and then what there is.
        await Eventually.HoldsAsync(() => Faults.CountOf(StoreOperation.Stat) == 1, "the send did not fail");
        await Eventually.HoldsAsync(() =>
        {
            Clock.Advance(TimeSpan.FromSeconds(1));
            return Faults.CountOf(StoreOperation.Stat) == 2;
        }, "the send was not tried again");
        Assert.Equal(1, Store.GetStatus().Pending);

        // The delayed request: an older state, over the one that the origin has confirmed since.
        await Origin.PutBytesAsync(Key, new byte[] { 49 }, new WriteOptions { AsCopyOf = first });
        Assert.Equal("2", await GetAsync());
        await Eventually.HoldsAsync(() =>
        {
            Clock.Advance(TimeSpan.FromMinutes(1));
            return Store.GetStatus().Pending == 0;
        }, () => $"it is in doubt for ever: {Store.GetStatus()}");
        Assert.Equal(("2", "2"), (await GetAsync(), await AtOriginAsync()));
    }

    [Fact]
    public async Task What_cannot_acknowledge_writes_is_refused_with_what_to_do()
    {
        using var folder = new TempFolder();
        await using var memory = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "warm" }, Context);
        await using DiskBlobStore lazy = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = folder.Path, Durability = DiskDurability.Interval }, Context);
        foreach ((IBlobStore warm, string fix) in ((IBlobStore, string)[])[(memory, "Make it a folder"), (lazy, "durability=flush")])
        {
            var e = await Assert.ThrowsAsync<ArgumentException>(async () => await TieredBlobStore.OpenAsync(
                [new Tier { Name = "warm", Store = warm }, new Tier { Name = "cold", Store = Faults }], new TieringOptions { Writes = TieringWrites.Back }, Context));
            Assert.Contains("'warm'", e.Message, StringComparison.Ordinal);
            Assert.Contains(fix, e.Message, StringComparison.Ordinal);
        }

        Assert.Contains("two tiers", Assert.Throws<ArgumentException>(() => new TieredBlobStore([new Tier { Name = "cold", Store = Faults }], new TieringOptions { Writes = TieringWrites.Back }, Context)).Message, StringComparison.Ordinal);
    }
}
