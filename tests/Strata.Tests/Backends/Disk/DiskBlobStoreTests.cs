using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>What the disk store leaves in its folder, and what it makes of what it finds there.</summary>
public sealed class DiskBlobStoreTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly FakeClock _clock = new();
    private readonly WarningCounter _log = new();

    private int Files => Directory.GetFiles(_folder.Sub("blobs"), "*.blob", SearchOption.AllDirectories).Length;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Tombstones_leave_the_disk_at_the_end_of_their_time_though_deletes_go_on()
    {
        await using DiskBlobStore store = await OpenAsync();
        for (int i = 0; i < 5; i++)
        {
            await store.PutBytesAsync(Key(i), new byte[10]);
            await store.DeleteAsync(Key(i));
        }

        Assert.Equal(5, Files);
        _clock.Jump(TimeSpan.FromMinutes(61));
        await store.PutBytesAsync(Key(5), new byte[10]);
        await store.DeleteAsync(Key(5));
        _clock.Advance(TimeSpan.FromMinutes(1));
        await TierFixture.WaitForAsync(() => Files == 1, "tombstones stay for ever");
    }

    [Fact]
    public async Task Expired_blobs_that_a_sweep_could_not_remove_are_removed_by_a_later_one()
    {
        await using DiskBlobStore store = await OpenAsync();
        for (int i = 0; i < 5; i++) await store.PutBytesAsync(Key(i), new byte[10], new WriteOptions { Expires = _clock.GetUtcNow().AddSeconds(30) });
        Directory.Delete(_folder.Sub("tmp"), recursive: true);
        _clock.Advance(TimeSpan.FromMinutes(1));
        await TierFixture.WaitForAsync(() => _log.Warnings > 0, "the sweep never came to the blobs");
        Assert.Equal(0, store.GetStatistics().Expirations);
        Directory.CreateDirectory(_folder.Sub("tmp"));
        _clock.Advance(TimeSpan.FromMinutes(1));
        await TierFixture.WaitForAsync(() => store.GetStatistics().Expirations == 5, "some were forgotten");
        Assert.Equal(0, store.GetStatistics().Bytes);
    }

    [Fact]
    public async Task A_deleted_blob_whose_file_could_not_be_removed_does_not_come_back_when_its_tombstone_is_old()
    {
        await using (DiskBlobStore store = await OpenAsync())
        {
            await store.PutBytesAsync(Key(0), new byte[10]);
            string file = Directory.GetFiles(_folder.Sub("blobs"), "*.blob", SearchOption.AllDirectories).Single();

            // A folder in the file's place cannot be removed as a file; the blob's bytes are put back afterwards.
            byte[] bytes = await File.ReadAllBytesAsync(file);
            File.Delete(file);
            Directory.CreateDirectory(file);
            Assert.Equal(DeleteStatus.Deleted, (await store.DeleteAsync(Key(0))).Status);
            Directory.Delete(file);
            await File.WriteAllBytesAsync(file, bytes);
            await store.PutBytesAsync(Key(1), new byte[10], new WriteOptions { Expires = _clock.GetUtcNow().AddMinutes(61) });
            _clock.Advance(TimeSpan.FromMinutes(62));
            await TierFixture.WaitForAsync(() => store.GetStatistics().Expirations == 1, "no sweep came");
        }

        await using DiskBlobStore reopened = await OpenAsync();
        Assert.Null(await reopened.StatAsync(Key(0)));
    }

    [Fact]
    public async Task A_key_whose_last_file_is_damaged_can_be_written_again()
    {
        await using (DiskBlobStore store = await OpenAsync()) await store.PutBytesAsync(Key(0), new byte[10]);
        string file = Directory.GetFiles(_folder.Sub("blobs"), "*.blob", SearchOption.AllDirectories).Single();
        await File.WriteAllBytesAsync(file, []);
        await using DiskBlobStore reopened = await OpenAsync();
        Assert.True((await reopened.PutBytesAsync(Key(0), new byte[10])).IsWritten);
        Assert.Equal(0, new FileInfo(file).Length);
    }

    [Fact]
    public async Task Writers_at_once_do_not_pass_the_capacity_together()
    {
        const long Most = 256 << 10;
        await using DiskBlobStore store = await OpenAsync(Most);
        for (int round = 0; round < 20; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => TryPutAsync(store, Key(i)))));
            Assert.InRange(store.GetStatistics().Bytes, 1, Most);
            for (int i = 0; i < 16; i++) await store.DeleteAsync(Key(i));
            Assert.Equal(0, store.GetStatistics().Bytes);
        }
    }

    private static BlobKey Key(int i) => BlobKey.Parse($"a/key{i}");

    private static async Task TryPutAsync(DiskBlobStore store, BlobKey key)
    {
        try
        {
            await store.PutBytesAsync(key, new byte[64 << 10]);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Full)
        {
            // As it should be.
        }
    }

    private ValueTask<DiskBlobStore> OpenAsync(long? maxBytes = null) =>
        DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = _folder.Path, MaxBytes = maxBytes }, StoreContext.Default with { Clock = _clock, Loggers = _log });
}
