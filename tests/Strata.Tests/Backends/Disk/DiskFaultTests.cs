using System.Diagnostics.Metrics;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>What goes wrong in the background of a disk store is seen by whoever looks: no failure is silent.</summary>
public sealed class DiskFaultTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_store_that_takes_no_writes_any_more_says_so_in_its_statistics_and_metrics()
    {
        var disk = new SimulatedDisk();
        await using DiskBlobStore store = await DiskBlobStore.OpenAsync(
            new DiskBlobStoreOptions { Path = _folder.Path, Name = "main", Disk = disk },
            cancellationToken: TestContext.Current.CancellationToken);
        await store.PutBytesAsync(BlobKey.Parse("a"), "before"u8.ToArray());
        Assert.Null(store.GetStatistics().Fault);
        Assert.True(store.GetStatistics().FileBytes > 0, "a store with files tells how large they are");
        Assert.Equal(0, Faults(store));

        // The flush fails, and so does everything that could say what of it counts.
        disk.Faults = call => call.Operation is DiskOperation.Read ? DiskFault.None : DiskFault.Fail;
        await Assert.ThrowsAsync<StorageException>(async () => await store.PutBytesAsync(BlobKey.Parse("b"), "after"u8.ToArray()));
        disk.Faults = null;

        Assert.Contains("no writes until it is opened again", store.GetStatistics().Fault, StringComparison.Ordinal);
        Assert.Equal(1, Faults(store));
        Assert.Equal("before"u8.ToArray(), await store.GetBytesAsync(BlobKey.Parse("a")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_sweep_that_fails_forgets_no_expired_blob_and_the_next_one_removes_it(bool isForeseen)
    {
        var disk = new SimulatedDisk();
        var clock = new FakeClock();
        var log = new WarningCounter();
        await using DiskBlobStore store = await DiskBlobStore.OpenAsync(
            new DiskBlobStoreOptions { Path = _folder.Path, Name = "main", Disk = disk },
            StoreContext.Default with { Clock = clock, Loggers = log },
            TestContext.Current.CancellationToken);
        for (int i = 0; i < 10; i++) await store.PutBytesAsync(BlobKey.Parse($"{i}"), new byte[2_000], new WriteOptions { Expires = clock.GetUtcNow().AddSeconds(30) });
        int failed = 0;
        disk.Before = call =>
        {
            if (call.Operation != DiskOperation.Read) return;
            failed++;
            throw isForeseen ? new IOException("the medium is gone for a while") : new InvalidOperationException("nobody foresaw it");
        };
        clock.Advance(TimeSpan.FromMinutes(1));
        await Eventually.HoldsAsync(() => log.Warnings > 0, "the sweep fails in silence");
        disk.Before = null;
        Assert.True(failed > 0);
        Assert.Equal((0, 10), (store.GetStatistics().Expirations, store.GetStatistics().Blobs));
        Assert.Null(await store.StatAsync(BlobKey.Parse("3"), TestContext.Current.CancellationToken));
        clock.Advance(TimeSpan.FromMinutes(1));

        // The count comes after the removal.
        await Eventually.HoldsAsync(() => store.GetStatistics() is { Blobs: 0, Expirations: 10 }, "what a sweep could not remove is never removed");
    }

    private static long Faults(DiskBlobStore store)
    {
        using var meter = new Meter("faults of a test");
        TierMetrics.Register(meter, new Dictionary<string, IBlobStore> { ["main"] = store }, TimeProvider.System);
        long seen = -1;
        using var listener = new MeterListener();
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) =>
        {
            if (instrument.Name == "strata.tier.fault") seen = value;
        });
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter == meter) l.EnableMeasurementEvents(instrument);
        };
        listener.Start();
        listener.RecordObservableInstruments();
        return seen;
    }
}
