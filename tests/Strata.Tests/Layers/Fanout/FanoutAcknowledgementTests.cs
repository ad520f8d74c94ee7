using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>When a change is acknowledged, what is read while a layer lacks it, and that the layer gets it (CONSISTENCY 2, 6 and 9).</summary>
public sealed class FanoutAcknowledgementTests
{
    private static readonly FanoutOptions Quorum = new() { Acknowledge = FanoutAcknowledgement.Quorum };

    [Fact]
    public async Task A_quorum_of_three_goes_on_without_one_and_what_was_acknowledged_is_read_though_that_one_is_back()
    {
        await using FanoutFixture fan = await FanoutFixture.OpenAsync(3, Quorum);
        await fan.PutAsync("a", "one");
        await fan.PutAsync("b", "one");
        await fan.RepairedAsync();

        // The first one takes no changes; it can be read, and holds what was there before.
        fan.Stores[0].Inject(StoreFault.On(StoreOperation.Write, StoreOperation.Delete));
        BlobInfo two = await fan.PutAsync("a", "two");
        Assert.Equal(DeleteStatus.Deleted, (await fan.Store.DeleteAsync(FanoutFixture.Key("b"))).Status);
        Assert.Equal(("one", "one"), (await fan.HeldAsync(0, "a"), await fan.HeldAsync(0, "b")));
        Assert.Equal(("two", null), (await fan.ReadAsync("a"), await fan.ReadAsync("b")));
        Assert.Equal(two.Version, (await fan.Store.StatAsync(FanoutFixture.Key("a")))!.Version);
        Assert.Equal(["a"], await fan.KeysAsync());
        Assert.Equal(two.Version, (await fan.Store.ListPageAsync(new ListRequest())).Items[0].Version);
        Assert.Equal(2, fan.Store.GetLayers()[0].Pending);
        Assert.Equal(WriteStatus.PreconditionFailed, (await fan.Store.PutBytesAsync(FanoutFixture.Key("a"), new byte[1], new WriteOptions { Condition = WriteCondition.IfAbsent })).Status);

        fan.Stores[0].Heal();
        await fan.RepairedAsync();
        Assert.Equal(("two", null), (await fan.HeldAsync(0, "a"), await fan.HeldAsync(0, "b")));
        foreach (MemoryBlobStore store in fan.Memory) Assert.Equal(two, (await store.StatAsync(FanoutFixture.Key("a")))!);
        Assert.Equal(0, await fan.Store.FlushAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Whichever_store_of_three_is_dead_writes_go_on_and_reads_stay_right(int dead)
    {
        await using FanoutFixture fan = await FanoutFixture.OpenAsync(3, Quorum with { ReadsPastErrors = true });
        for (int i = 0; i < 5; i++) await fan.PutAsync($"k{i}", "old");
        fan.Stores[dead].Inject(new StoreFault());
        for (int i = 0; i < 3; i++) await fan.PutAsync($"k{i}", $"new{i}");
        await fan.Store.DeleteAsync(FanoutFixture.Key("k3"));
        for (int i = 0; i < 3; i++) Assert.Equal($"new{i}", await fan.ReadAsync($"k{i}"));
        Assert.Null(await fan.ReadAsync("k3"));
        Assert.Equal("old", await fan.ReadAsync("k4"));
        Assert.Null(await fan.ReadAsync("none"));
        Assert.Equal(["k0", "k1", "k2", "k4"], await fan.KeysAsync());
        fan.Stores[dead].Heal();
        await fan.RepairedAsync();
        for (int i = 0; i < 5; i++) Assert.Equal(await fan.HeldAsync((dead + 1) % 3, $"k{i}"), await fan.HeldAsync(dead, $"k{i}"));
    }

    [Fact]
    public async Task A_change_that_no_layer_has_is_not_applied_and_one_that_too_few_have_comes_through_and_each_is_named()
    {
        await using FanoutFixture fan = await FanoutFixture.OpenAsync(3, new FanoutOptions());
        await fan.PutAsync("a", "one");
        foreach (FaultStore store in fan.Stores) store.Inject(StoreFault.On(StoreOperation.Write));
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => fan.PutAsync("a", "none"));
        Assert.Equal(WriteOutcome.NotApplied, e.Outcome);
        Assert.All(fan.Store.GetLayers(), layer => Assert.Equal(0, layer.Pending));

        fan.Stores[1].Heal();
        e = await Assert.ThrowsAsync<StorageException>(() => fan.PutAsync("a", "two"));
        Assert.Equal(WriteOutcome.Unknown, e.Outcome);
        Assert.Contains("'n0' does not have it", e.Message, StringComparison.Ordinal);
        Assert.Contains("'n1' has it", e.Message, StringComparison.Ordinal);
        Assert.Equal("two", await fan.ReadAsync("a"));
        foreach (FaultStore store in fan.Stores) store.Heal();
        await fan.RepairedAsync();
        for (int i = 0; i < 3; i++) Assert.Equal("two", await fan.HeldAsync(i, "a"));
    }

    [Fact]
    public async Task What_may_have_been_made_and_was_not_acknowledged_gives_way_to_what_was_there()
    {
        await using FanoutFixture fan = await FanoutFixture.OpenAsync(3, Quorum);
        await fan.PutAsync("a", "one");
        await fan.RepairedAsync();
        fan.Stores[0].Inject(StoreFault.On(StoreOperation.Write) with { Moment = CallMoment.After, Times = 1 });
        fan.Stores[1].Inject(StoreFault.On(StoreOperation.Write) with { Times = 1 });
        fan.Stores[2].Inject(StoreFault.On(StoreOperation.Write) with { Times = 1 });
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => fan.PutAsync("a", "two"));
        Assert.Equal(WriteOutcome.Unknown, e.Outcome);
        Assert.Contains("'n0' may have it", e.Message, StringComparison.Ordinal);
        Assert.Equal("one", await fan.ReadAsync("a"));
        await fan.RepairedAsync();
        Assert.Equal("one", await fan.ReadAsync("a"));
        BlobInfo state = (await fan.Store.StatAsync(FanoutFixture.Key("a")))!;
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("one", await fan.HeldAsync(i, "a"));
            Assert.Equal(state.Version, (await fan.Memory[i].StatAsync(FanoutFixture.Key("a")))!.Version);
        }
    }

    [Fact]
    public async Task The_primary_decides_and_the_others_follow()
    {
        await using FanoutFixture fan = await FanoutFixture.OpenAsync(2, new FanoutOptions { Acknowledge = FanoutAcknowledgement.Primary });
        fan.Stores[1].Inject(StoreFault.On(StoreOperation.Write));
        WriteResult written = await fan.Store.PutBytesAsync(FanoutFixture.Key("a"), "one"u8.ToArray());
        Assert.Equal(["n0"], written.Tiers);
        fan.Stores[1].Heal();
        await fan.RepairedAsync();
        Assert.Equal("one", await fan.HeldAsync(1, "a"));

        fan.Stores[0].Inject(StoreFault.On(StoreOperation.Write));
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => fan.PutAsync("a", "two"));
        Assert.Equal(WriteOutcome.Unknown, e.Outcome);
        fan.Stores[0].Heal();
        await fan.RepairedAsync();
        Assert.Equal(("two", "two"), (await fan.HeldAsync(0, "a"), await fan.HeldAsync(1, "a")));
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(3_000_000)]
    public async Task A_slow_layer_is_not_waited_for_and_gets_the_bytes_that_were_written(int length)
    {
        var clock = new FakeClock();
        var context = new StoreContext { Clock = clock };
        var slow = new MemoryBlobStore(null, context);
        var delayed = new LatencyStore(slow);
        using StoreGate gate = delayed.Hold(StoreOperation.Write);
        FanoutLayer[] layers = [.. ((IBlobStore[])[new MemoryBlobStore(null, context), new MemoryBlobStore(null, context), delayed]).Select((s, i) => new FanoutLayer { Name = $"n{i}", Store = s })];
        await using FanoutBlobStore store = await FanoutBlobStore.OpenAsync(layers, layers, Quorum, context, new MemoryKvDatabase(null, context));
        byte[] bytes = [.. Enumerable.Range(0, length).Select(i => (byte)(i * 3))], expected = [.. bytes];
        Assert.True((await store.PutBytesAsync(FanoutFixture.Key("a"), bytes)).IsWritten);
        Array.Clear(bytes);
        Assert.Equal(1, store.GetLayers()[2].Pending);
        gate.Open();
        await Eventually.HoldsAsync(() => store.GetLayers()[2].Pending == 0, "The slow layer was not looked at again.");
        Assert.Equal(expected, await slow.GetBytesAsync(FanoutFixture.Key("a")));
    }

    [Fact]
    public async Task Many_changes_of_a_key_while_a_layer_is_out_are_sent_as_one()
    {
        await using FanoutFixture fan = await FanoutFixture.OpenAsync(3, Quorum);
        fan.Stores[2].Inject(new StoreFault());
        for (int i = 0; i < 20; i++) await fan.PutAsync("a", $"{i}");
        fan.Stores[2].Heal();
        long before = fan.Stores[2].CountOf(StoreOperation.Write);
        await fan.RepairedAsync();
        Assert.Equal("19", await fan.HeldAsync(2, "a"));
        Assert.InRange(fan.Stores[2].CountOf(StoreOperation.Write) - before, 1, 2);
    }

    [Fact]
    public async Task A_change_under_way_at_a_kill_leaves_the_layers_equal()
    {
        BlobKey half = FanoutFixture.Key("half"), none = FanoutFixture.Key("none"), gone = FanoutFixture.Key("gone");
        await using FanoutFixture fan = await FanoutFixture.OpenAsync(3, Quorum, prepare: async (stores, database) =>
        {
            var state = new FanoutState(database, "fanout");
            await state.OpenAsync(CancellationToken.None);
            foreach (BlobKey key in (BlobKey[])[half, none, gone])
            {
                BlobInfo first = (await stores[0].PutBytesAsync(key, "one"u8.ToArray())).Info!;
                for (int i = 1; i < 3; i++) await stores[i].PutBytesAsync(key, "one"u8.ToArray(), new WriteOptions { AsCopyOf = first });
                await state.BeginAsync(key, new BlobVersion(first.Version.Value + 1000), isDelete: key == gone, covers: false, CancellationToken.None);
            }

            // One of three has each change, but for the one that none has.
            await stores[1].PutBytesAsync(half, "two"u8.ToArray());
            await stores[2].DeleteAsync(gone);
        });
        Assert.Equal(("two", "one", null), (await fan.ReadAsync("half"), await fan.ReadAsync("none"), await fan.ReadAsync("gone")));
        await fan.RepairedAsync();
        for (int i = 0; i < 3; i++) Assert.Equal(("two", "one", null), (await fan.HeldAsync(i, "half"), await fan.HeldAsync(i, "none"), await fan.HeldAsync(i, "gone")));
        Assert.Equal(["half", "none"], await fan.KeysAsync());
    }

    [Fact]
    public async Task What_a_layer_has_missed_is_known_after_a_restart()
    {
        using var folder = new TempFolder();
        BlobKey key = FanoutFixture.Key("a");
        async Task<(FanoutBlobStore Store, FaultStore First)> OpenAsync()
        {
            FaultStore? first = null;
            var layers = new List<FanoutLayer>();
            for (int i = 0; i < 3; i++)
            {
                IBlobStore disk = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Name = $"s{i}", Path = folder.Sub($"s{i}"), Durability = DiskDurability.OperatingSystem });
                if (i == 0) disk = first = new FaultStore(disk);
                layers.Add(new FanoutLayer { Name = $"n{i}", Store = disk });
            }

            first!.Inject(StoreFault.On(StoreOperation.Write));
            return (await FanoutBlobStore.OpenAsync(layers, layers, Quorum), first);
        }

        (FanoutBlobStore store, FaultStore broken) = await OpenAsync();
        await using (store)
        {
            broken.Heal();
            await store.PutBytesAsync(key, "one"u8.ToArray());
            await store.FlushAsync();
            broken.Inject(StoreFault.On(StoreOperation.Write));
            await store.PutBytesAsync(key, "two"u8.ToArray());
        }

        (store, broken) = await OpenAsync();
        await using (store)
        {
            Assert.Equal(1, store.GetLayers()[0].Pending);
            Assert.Equal("two", Encoding.UTF8.GetString((await store.GetBytesAsync(key))!));
        }
    }
}
