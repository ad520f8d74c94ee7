using Xunit;

namespace Strata.Tests;

/// <summary>What callers are told when a commit fails, and nobody can write down that it does not count (CONSISTENCY 5 and 7).</summary>
public sealed class DiskInDoubtTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly SimulatedDisk _disk = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Many_deletes_that_are_in_doubt_are_not_told_as_refused()
    {
        BlobKey[] keys = [BlobKey.Parse("a"), BlobKey.Parse("b"), BlobKey.Parse("never")];
        await using DiskBlobStore store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = _folder.Path, Disk = _disk });
        foreach (BlobKey key in keys[..2]) await store.PutBytesAsync(key, new byte[10]);
        _disk.Faults = call => call.Operation is DiskOperation.Sync or DiskOperation.Create or DiskOperation.Rename ? DiskFault.SyncFails : DiskFault.None;
        DeleteManyResult result = await store.DeleteManyAsync(keys);
        foreach (DeleteOutcome outcome in result.Outcomes.Take(2))
        {
            // The tombstones were written: the next opening may well find them.
            Assert.Equal((DeleteStatus.Failed, WriteOutcome.Unknown), (outcome.Status, outcome.Error!.Outcome));
            Assert.Equal(outcome.Key, outcome.Error.Key);
        }

        Assert.Equal(DeleteStatus.Missing, result.Outcomes[2].Status);
        StorageException refused = await Assert.ThrowsAsync<StorageException>(async () => await store.DeleteAsync(keys[0]));
        Assert.Equal((StorageErrorKind.Unavailable, WriteOutcome.NotApplied), (refused.Kind, refused.Outcome));
        Assert.Equal(10, (await store.GetBytesAsync(keys[0]))!.Length);
    }
}
