using System.Diagnostics.Metrics;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>Closing does not wait with those who wait for the origin; and what a killed process held is not waited for.</summary>
public sealed class WriteBackCloseTests : WriteBackFixture
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Writers_that_wait_for_room_and_flushes_end_when_the_store_is_closed()
    {
        await OpenAsync(new TieringOptions { WriteBack = new WriteBackOptions { MaxPendingBytes = 64 << 10 } });
        Faults.Inject(new StoreFault());
        for (int i = 0; i < 2; i++) Assert.True((await Store.PutBytesAsync(BlobKey.Parse($"k{i}"), new byte[40_000])).IsWritten);
        Task waiting = Store.PutBytesAsync(BlobKey.Parse("k2"), new byte[10]).AsTask(), flushing = Store.FlushAsync().AsTask();
        Assert.False(waiting.IsCompleted || flushing.IsCompleted, "nobody waits for the origin, which is out");
        await CloseAsync().WaitAsync(Patience);
        foreach (Task ended in (Task[])[waiting, flushing]) Assert.Equal(StorageErrorKind.Closed, (await Assert.ThrowsAsync<StorageException>(() => ended.WaitAsync(Patience))).Kind);
        Faults.Heal();
        await OpenAsync();
        await Eventually.HoldsAsync(() => Store.GetStatus().Pending == 0, "what was pending is not sent after the next start");
        Assert.Null(await Origin.StatAsync(BlobKey.Parse("k2")));
    }

    [Fact]
    public async Task A_store_above_the_pair_closes_too_while_somebody_waits_for_room()
    {
        using var folder = new TempFolder();
        var warm = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Name = "warm", Path = folder.Path, Disk = Disk }, Context);
        TieredBlobStore store = await TieredBlobStore.OpenAsync(
            [new Tier { Name = "hot", Store = new MemoryBlobStore(null, Context) }, new Tier { Name = "warm", Store = warm }, new Tier { Name = "cold", Store = Faults }],
            new TieringOptions { Writes = TieringWrites.Back, WriteBack = new WriteBackOptions { MaxPending = 1 } },
            Context);
        Faults.Inject(new StoreFault());
        await store.PutBytesAsync(Key, new byte[1]);
        Task waiting = store.PutBytesAsync(BlobKey.Parse("next"), new byte[1]).AsTask();
        await store.DisposeAsync().AsTask().WaitAsync(Patience);
        Assert.Equal(StorageErrorKind.Closed, (await Assert.ThrowsAsync<StorageException>(() => waiting.WaitAsync(Patience))).Kind);
        await store.DisposeAsync();
    }

    [Fact]
    public async Task What_a_killed_process_was_sending_is_sent_at_once_after_the_next_start()
    {
        await OpenAsync();
        SimulatedDisk left;
        using (StoreGate gate = Gates.Hold(StoreOperation.Write))
        {
            await PutAsync("1");
            await gate.WaitForArrivalAsync();
            left = Disk.Kill();
            Disk.Stop();
        }

        // Not a tick of the clock: the lease of a process that cannot live any more is nobody's.
        await ReopenAsync(left);
        await Eventually.HoldsAsync(() => Store.GetStatus().Pending == 0, () => $"the lease of a dead process is waited for: {Store.GetStatus()}");
        Assert.Equal("1", await AtOriginAsync());
    }

    [Fact]
    public async Task The_age_of_the_oldest_pending_write_is_measured()
    {
        await OpenAsync();
        Faults.Inject(new StoreFault());
        await PutAsync("1");
        Clock.Advance(TimeSpan.FromSeconds(90));
        using var meter = new Meter("Strata of a test");
        using var listener = new MeterListener();
        var seen = new Dictionary<string, long>();
        listener.InstrumentPublished = (instrument, own) =>
        {
            if (instrument.Meter == meter) own.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            if (tags.Length == 2 && tags[1].Value as string == "warm") seen[instrument.Name] = value;
        });
        listener.Start();
        await using TieredBlobStore above = await TieredBlobStore.OpenAsync([new Tier { Name = "pair", Store = Store }], null, Context);
        TierMetrics.Register(meter, new Dictionary<string, IBlobStore> { ["main"] = above }, Clock);
        listener.RecordObservableInstruments();
        Assert.Equal((1, 1, 0, 90), (seen["strata.tier.pending"], seen["strata.tier.pending_bytes"], seen["strata.tier.dead_letters"], seen["strata.tier.pending_age"]));
    }
}
