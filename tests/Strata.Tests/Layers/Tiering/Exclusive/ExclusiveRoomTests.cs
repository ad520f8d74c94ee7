using Xunit;

namespace Strata.Tests;

/// <summary>Homes on disks that are full, with the index on a disk of its own or in the log of the first home.</summary>
public sealed class ExclusiveRoomTests : IDisposable
{
    private const int Length = 100_000, Most = 100;
    private readonly TempFolder _folder = new();
    private readonly SimulatedDisk _warmDisk = new(1), _coldDisk = new(2);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_home_whose_disk_is_full_falls_to_the_next_and_the_last_refuses_by_name()
    {
        await using ExclusiveBlobStore store = await OpenAsync(new MemoryKvDatabase());
        await PutAsync(store, 0);
        _warmDisk.Capacity = 0;
        int key = 1;
        while ((await PutAsync(store, key)).Tiers[0] == "warm") Assert.True(++key < Most, $"A full disk took {key} blobs.");
        Assert.Equal(0, store.Pending);

        _coldDisk.Capacity = 0;
        StorageException? full = null;
        while (full is null) full = await Record.ExceptionAsync(() => PutAsync(store, ++key < Most ? key : throw new InvalidOperationException($"Two full disks took {key} blobs."))) as StorageException;
        Assert.Equal((StorageErrorKind.Full, WriteOutcome.NotApplied, "cold"), (full.Kind, full.Outcome, full.Store));
        Assert.Null(await store.StatAsync(KeyOf(key)));
        for (int i = 0; i < key; i++) Assert.Equal(Length, (await store.GetBytesAsync(KeyOf(i)))!.Length);
        Assert.Equal(0, store.Pending);

        Assert.Equal(DeleteStatus.Deleted, (await store.DeleteAsync(KeyOf(0))).Status);
        Assert.Equal(DeleteStatus.Deleted, (await store.DeleteAsync(KeyOf(key - 1))).Status);
        Assert.Equal(0, store.Pending);
        _warmDisk.Capacity = null;
        Assert.Equal(["warm"], (await PutAsync(store, key)).Tiers);
    }

    [Fact]
    public async Task A_full_disk_that_holds_the_index_refuses_by_its_name_serves_and_takes_deletes()
    {
        await using ExclusiveBlobStore store = await OpenAsync(null);
        await PutAsync(store, 0);
        await store.PutBytesAsync(KeyOf(1), new byte[Length], new WriteOptions { Tier = "cold" });
        _warmDisk.Capacity = 0;
        int key = 1;
        StorageException? full = null;
        while (full is null) full = await Record.ExceptionAsync(() => PutAsync(store, ++key < Most ? key : throw new InvalidOperationException($"A full disk took {key} blobs."))) as StorageException;
        Assert.Equal((StorageErrorKind.Full, WriteOutcome.NotApplied, "warm"), (full.Kind, full.Outcome, full.Store));
        Assert.Null(await store.StatAsync(KeyOf(key)));
        for (int i = 0; i < key; i++) Assert.Equal(Length, (await store.GetBytesAsync(KeyOf(i)))!.Length);
        Assert.Equal(DeleteStatus.Deleted, (await store.DeleteAsync(KeyOf(0))).Status);
        Assert.Null(await store.StatAsync(KeyOf(0)));
        _warmDisk.Capacity = null;
        Assert.Equal(["warm"], (await PutAsync(store, key)).Tiers);
        await store.SettleNowAsync();
        await Eventually.HoldsAsync(() => store.Pending == 0, "Something stays unfinished.");
    }

    private static BlobKey KeyOf(int i) => BlobKey.Parse($"k{i:000}");

    private static async Task<WriteResult> PutAsync(ExclusiveBlobStore store, int i) => await store.PutBytesAsync(KeyOf(i), new byte[Length]);

    /// <param name="index">Where the index goes; null: into the warm home's log.</param>
    private async Task<ExclusiveBlobStore> OpenAsync(IKvDatabase? index)
    {
        DiskBlobStore warm = await DiskAsync("warm", _warmDisk), cold = await DiskAsync("cold", _coldDisk);
        return await ExclusiveBlobStore.OpenAsync([new Tier { Name = "warm", Store = warm }, new Tier { Name = "cold", Store = cold }], index ?? warm.Rows, ownsIndex: index is not null);
    }

    private async Task<DiskBlobStore> DiskAsync(string name, SimulatedDisk disk) =>
        await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Name = name, Path = _folder.Sub(name), Disk = disk, SegmentBytes = LogOptions.MinSegmentBytes, CompactionBytesPerSecond = null });
}
