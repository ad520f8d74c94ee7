using System.Diagnostics.Metrics;
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

    private static long Faults(DiskBlobStore store)
    {
        using var meter = new Meter("faults of a test");
        TierMetrics.Register(meter, new Dictionary<string, IBlobStore> { ["main"] = store });
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
