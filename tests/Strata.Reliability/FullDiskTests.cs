namespace Strata.Reliability;

/// <summary>A disk of 1 MiB that fills up: a clear error, reads and deletes go on, and writes resume with the space.</summary>
public sealed class FullDiskTests
{
    [Fact]
    public async Task A_full_disk_refuses_writes_clearly_takes_deletes_and_resumes_when_there_is_room()
    {
        using var disk = new SmallDisk();
        await using DiskBlobStore store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = Path.Combine(disk.Path, "store") });
        byte[] content = new byte[64 * 1024];
        new Random(1).NextBytes(content);
        var written = new List<BlobKey>();
        StorageException? full = null;
        for (int i = 0; full is null; i++)
        {
            Assert.True(i < 100, "a disk of 1 MiB took more than 6 MiB");
            BlobKey key = BlobKey.Parse($"k{i}");
            try
            {
                await store.PutBytesAsync(key, content);
                written.Add(key);
            }
            catch (StorageException e)
            {
                full = e;
            }
        }

        Assert.Equal(StorageErrorKind.Full, full.Kind);
        Assert.Equal(WriteOutcome.NotApplied, full.Outcome);
        Assert.Contains("disk is full", full.Message, StringComparison.Ordinal);
        Assert.NotEmpty(written);
        foreach (BlobKey key in written) Assert.Equal(content, await store.GetBytesAsync(key));
        Assert.Equal(DeleteStatus.Deleted, (await store.DeleteAsync(written[0])).Status);
        Assert.Equal(DeleteStatus.Deleted, (await store.DeleteAsync(written[1])).Status);
        await store.PutBytesAsync(written[0], content);
        Assert.Equal(content, await store.GetBytesAsync(written[0]));
        Assert.Null(await store.StatAsync(written[1]));
    }

    [Fact]
    public async Task A_disk_that_fills_up_refuses_a_part_keeps_the_upload_and_takes_its_completion_or_its_end()
    {
        using var disk = new SmallDisk();
        await using DiskBlobStore store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = Path.Combine(disk.Path, "store") });
        Assert.True(store.TryGetFacet(out IMultipartUploads? uploads));
        BlobKey key = BlobKey.Parse("a/composed");
        byte[] content = new byte[64 * 1024];
        new Random(1).NextBytes(content);
        MultipartUpload upload = await uploads.CreateAsync(key), other = await uploads.CreateAsync(key);
        var parts = new List<PartReference> { await PartAsync(uploads, upload, 1, content), await PartAsync(uploads, upload, 2, content) };
        for (int number = 1; ; number++)
        {
            Assert.True(number < 100, "a disk of 1 MiB took more than 6 MiB");
            StorageException? full = await Record.ExceptionAsync(() => PartAsync(uploads, other, number, content)) as StorageException;
            if (full is null) continue;
            Assert.Equal((StorageErrorKind.Full, WriteOutcome.NotApplied), (full.Kind, full.Outcome));
            Assert.Equal(number - 1, (await uploads.FindAsync(key, other.Id))!.Parts);
            break;
        }

        Assert.True(await uploads.AbortAsync(key, other.Id), "a full disk must take the end of an upload");
        parts.Add(await PartAsync(uploads, upload, 3, content));
        Assert.Equal(CompleteStatus.Completed, (await uploads.CompleteAsync(key, upload.Id, parts)).Status);
        byte[]? read = await store.GetBytesAsync(key);
        Assert.Equal([.. content, .. content, .. content], read!);
        await FillAsync(disk.Path);
        Assert.Equal(DeleteStatus.Deleted, (await store.DeleteAsync(key)).Status);
        Assert.Null(await store.StatAsync(key));
        Assert.Equal(0, store.GetStatistics().Blobs);
    }

    private static async Task<PartReference> PartAsync(IMultipartUploads uploads, MultipartUpload upload, int number, byte[] bytes)
    {
        await using IBlobWriter? writer = await uploads.OpenPartAsync(upload.Key, upload.Id, number);
        await writer!.WriteAsync(bytes, CancellationToken.None);
        return new PartReference(number, (await writer.CommitAsync(null, CancellationToken.None)).Info!.ETag);
    }

    /// <summary>Takes the last page of the disk.</summary>
    private static async Task FillAsync(string path)
    {
        await using var file = new FileStream(Path.Combine(path, "filler"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        byte[] page = new byte[4096];
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            while (true) await file.WriteAsync(page);
        });
    }

    [Fact]
    public async Task A_copy_that_finds_the_disk_full_costs_the_copy_and_not_the_write()
    {
        using var disk = new SmallDisk();
        using var origin = new TemporaryFolder();
        await using TieredBlobStore store = await new TieredStoreBuilder()
            .AddTier("warm", $"file:{disk.Path}/warm")
            .AddTier("cold", $"file:{origin.Path}/cold")
            .OpenAsync();
        byte[] content = new byte[100 * 1024];
        for (int i = 0; i < 20; i++) Assert.True((await store.PutBytesAsync(BlobKey.Parse($"k{i}"), content)).IsWritten);
        for (int i = 0; i < 20; i++) Assert.Equal(content.Length, (await store.GetBytesAsync(BlobKey.Parse($"k{i}")))!.Length);
        TierStatistics warm = store.GetTierStatistics()[0];
        Assert.True(warm.Errors > 0 && warm.LastError is not null, "the copies that failed must show in the statistics");
    }
}
