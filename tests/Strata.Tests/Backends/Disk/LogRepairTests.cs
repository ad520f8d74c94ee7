using Xunit;

namespace Strata.Tests;

/// <summary>A repair that is stopped: what it has written is half of a store, and must not be taken for one.</summary>
public sealed class LogRepairTests : DiskFixture
{
    [Fact]
    public async Task What_a_repair_has_written_opens_when_all_of_it_is_there_and_not_before()
    {
        await OpenAsync();
        for (int i = 0; i < 20; i++) await Store.PutBytesAsync(KeyOf(i), Bytes(i % 5 == 0 ? 2 << 20 : 5_000, i));
        await CloseAsync();
        using var targets = new TempFolder();
        string stopped = targets.Sub("stopped"), whole = targets.Sub("whole");

        // At each of the places where it tells how far it is, until it comes to its end.
        bool isDone = false;
        int refused = 0;
        for (int at = 1; !isDone; at++)
        {
            int told = 0;
            try
            {
                using LogRepair repair = LogRepair.Run(Folder, stopped, _ =>
                {
                    if (++told == at) throw new OperationCanceledException();
                });
                isDone = true;
            }
            catch (OperationCanceledException)
            {
                // As was planned.
            }

            if (isDone || !Directory.Exists(stopped)) continue;
            StorageException e = await Assert.ThrowsAsync<StorageException>(async () => await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = stopped }));
            Assert.Equal(StorageErrorKind.Unsupported, e.Kind);
            Assert.Contains("Remove it, and repair again", e.Message, StringComparison.Ordinal);
            Directory.Delete(stopped, recursive: true);
            refused++;
        }

        Assert.True(refused > 0, "no repair was stopped while it wrote");

        using (LogRepair.Run(Folder, whole))
        {
            await using DiskBlobStore store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = whole });
            for (int i = 0; i < 20; i++)
            {
                byte[]? saved = await store.GetBytesAsync(KeyOf(i));
                Assert.True(Bytes(i % 5 == 0 ? 2 << 20 : 5_000, i).AsSpan().SequenceEqual(saved), $"'{KeyOf(i)}' was not saved");
            }
        }
    }

    [Fact]
    public async Task Rows_that_commit_with_blobs_are_verified_and_saved_with_them()
    {
        await OpenAsync();
        Store.Record(change => [KvMutation.Set(System.Text.Encoding.UTF8.GetBytes($"row/{change.Key}"), KvValue.OfBytes(Bytes(50, 1)))]);
        for (int i = 0; i < 5; i++) await Store.PutBytesAsync(KeyOf(i), Bytes(100, i));
        Versionstamp last = ((IKvStatistics)Store.Rows).GetStatistics().LastCommit;
        await CloseAsync();
        using (var verified = LogVerification.Run(Folder, isShared: false))
        {
            Assert.Empty(verified.Damages);
            Assert.Empty(verified.Notes);
        }

        using var target = new TempFolder();
        using (LogRepair.Run(Folder, target.Sub("saved")))
        {
            await using DiskBlobStore store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = target.Sub("saved") });
            KvStatistics saved = ((IKvStatistics)store.Rows).GetStatistics();
            Assert.Equal(5, saved.Entries);
            Assert.True(saved.LastCommit >= last, "The saved rows begin their versionstamps anew.");
        }
    }
}
