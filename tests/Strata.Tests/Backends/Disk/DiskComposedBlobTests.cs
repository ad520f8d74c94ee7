using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>A blob whose payload lies in parts: who reads it is never disturbed, and its files go when nobody needs them.</summary>
public sealed class DiskComposedBlobTests : DiskUploadFixture
{
    private static readonly byte[][] Parts = [Bytes(100_000, 1), Bytes(1, 2), [], Bytes(150_000, 3)];

    private static byte[] Whole => [.. Parts.SelectMany(p => p)];

    [Theory]
    [InlineData("delete")]
    [InlineData("overwrite")]
    [InlineData("complete")]
    [InlineData("update, delete")]
    [InlineData("expire")]
    public async Task A_reader_in_mid_stream_reads_on_and_the_files_go_when_the_last_reader_has_gone(string how)
    {
        await OpenAsync();
        MultipartUpload upload = await ComposeAsync(Parts);
        string folder = Path.Combine(UploadsFolder, upload.Id);
        BlobReadResult reading = (await Store.ReadAsync(Key))!, waiting = (await Store.ReadAsync(Key))!;
        await using (Stream stream = reading.OpenStream())
        {
            byte[] read = new byte[Whole.Length];
            await stream.ReadExactlyAsync(read.AsMemory(0, 50_000));
            if (how == "overwrite") await Store.PutBytesAsync(Key, Bytes(10));
            if (how == "complete") await ComposeAsync(Bytes(10));
            if (how.StartsWith("update", StringComparison.Ordinal)) await Store.UpdateAsync(Key, new BlobChanges { ContentType = "text/new" });
            if (how.EndsWith("delete", StringComparison.Ordinal)) await Store.DeleteAsync(Key);
            if (how == "expire") await ExpireAsync();
            Assert.True(Directory.Exists(folder), "the parts went under their readers");
            await stream.ReadExactlyAsync(read.AsMemory(50_000));
            Assert.Equal(Whole, read);
            Assert.Equal(0, await stream.ReadAsync(read));
        }

        await reading.DisposeAsync();
        Assert.True(Directory.Exists(folder), "the parts went before their last reader");
        await using (Stream stream = waiting.OpenStream())
        {
            using var copy = new MemoryStream();
            await stream.CopyToAsync(copy);
            Assert.Equal(Whole, copy.ToArray());
        }

        await waiting.DisposeAsync();
        await waiting.DisposeAsync();
        Assert.False(Directory.Exists(folder), "the parts stayed though nobody needs them");
        if (how is "overwrite" or "complete") await AssertHoldsAsync(Bytes(10));
        else Assert.Null(await Store.StatAsync(Key));
    }

    [Fact]
    public async Task A_reader_that_outlives_the_store_leaves_the_files_to_the_next_opening()
    {
        await OpenAsync();
        await ComposeAsync(Parts);
        BlobReadResult reading = (await Store.ReadAsync(Key))!;
        await Store.DeleteAsync(Key);
        await CloseAsync();
        await using (Stream stream = reading.OpenStream())
        {
            byte[] read = new byte[Whole.Length];
            await stream.ReadExactlyAsync(read);
            Assert.Equal(Whole, read);
        }

        await reading.DisposeAsync();
        Assert.Single(UploadFolders);
        await OpenAsync();
        Assert.Empty(UploadFolders);
        Assert.Null(await Store.StatAsync(Key));
    }

    [Fact]
    public async Task New_metadata_moves_no_payload()
    {
        await OpenAsync();
        MultipartUpload upload = await ComposeAsync(Parts);
        string[] before = PartFiles(upload);
        BlobInfo completed = (await Store.StatAsync(Key))!;
        for (int i = 0; i < 3; i++)
        {
            // A reader from before, so that a payload that is rewritten could not take the place of the old one unseen.
            await using BlobReadResult? reading = await Store.ReadAsync(Key);
            WriteResult updated = await Store.UpdateAsync(Key, new BlobChanges { MetadataEdits = new Dictionary<string, string?> { [$"tag{i}"] = "x" }, KeepsETag = true });
            Assert.Equal((completed.ETag, completed.Length, completed.Checksum, i + 1), (updated.Info!.ETag, updated.Info.Length, updated.Info.Checksum, updated.Info.Metadata.Count));
            Assert.True(updated.Info.Version > completed.Version, "an update has a new version");
        }

        Assert.Equal(before, PartFiles(upload));
        Assert.Single(BlobFiles);
        AssertBooksMatchFiles("after the updates");
        await AssertHoldsAsync(Whole);
        await OpenAsync();
        Assert.Equal(3, (await Store.StatAsync(Key))!.Metadata.Count);
        await AssertHoldsAsync(Whole);
    }

    [Fact]
    public async Task An_update_that_is_refused_leaves_the_blob_and_its_parts()
    {
        await OpenAsync();
        await ComposeAsync(Parts);
        Assert.Equal(WriteStatus.PreconditionFailed, (await Store.UpdateAsync(Key, new BlobChanges { ContentType = "x" }, WriteCondition.IfMatch("other"))).Status);
        var tooMuch = Enumerable.Range(0, 2).ToDictionary(i => $"n{i}", _ => (string?)new string('x', 5000), StringComparer.Ordinal);
        await Store.UpdateAsync(Key, new BlobChanges { MetadataEdits = new Dictionary<string, string?> { ["n0"] = tooMuch["n0"] } });
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.UpdateAsync(Key, new BlobChanges { MetadataEdits = new Dictionary<string, string?> { ["n1"] = tooMuch["n1"] } }));
        await AssertHoldsAsync(Whole);
        await Store.DeleteAsync(Key);
        Assert.Empty(UploadFolders);
    }

    [Fact]
    public async Task Every_range_is_what_the_whole_says_by_either_way_of_reading()
    {
        await OpenAsync();
        byte[][] parts = [[], Bytes(1, 1), Bytes(65_536, 2), [], [], Bytes(65_537, 3), Bytes(3, 4), []];
        await ComposeAsync(parts);
        byte[] whole = [.. parts.SelectMany(p => p)];
        int[] edges = [0, 1, 2, 65_536, 65_537, 65_538, 131_073, 131_074, 131_075, 131_076];
        foreach (int from in edges)
        {
            foreach (int to in edges.Append(whole.Length).Where(e => e > from))
            {
                await using BlobReadResult? result = await Store.ReadAsync(Key, new ReadOptions { Range = BlobRange.From(from, to - from) });
                Assert.Equal((from, to - from), (result!.Offset, result.Length));
                await using Stream stream = result.OpenStream();
                using var copy = new MemoryStream();
                if (to % 2 == 0) CopyAtOnce(stream, copy);
                else await stream.CopyToAsync(copy);
                Assert.True(whole.AsSpan(from..to).SequenceEqual(copy.ToArray()), $"bytes {from} to {to} are wrong");
            }
        }
    }

    [Fact]
    public async Task A_blob_of_parts_without_bytes_is_empty()
    {
        await OpenAsync();
        await ComposeAsync([], []);
        await AssertHoldsAsync([]);
        await OpenAsync();
        await AssertHoldsAsync([]);
    }

    [Fact]
    public async Task Readers_updates_and_deletes_at_once_leave_no_file_behind()
    {
        await OpenAsync();
        for (int round = 0; round < 20; round++)
        {
            await ComposeAsync(Parts);
            Task[] readers = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
            {
                while (await Store.GetBytesAsync(Key) is { } read) Assert.Equal(Whole, read);
            }))];
            Task updates = Task.Run(async () =>
            {
                while ((await Store.UpdateAsync(Key, new BlobChanges { ContentType = "x" })).IsWritten) await Task.Yield();
            });
            await Store.GetBytesAsync(Key);
            await Store.DeleteAsync(Key);
            await Task.WhenAll([.. readers, updates]);
            Assert.Empty(UploadFolders);
            Assert.Equal(0, Store.GetStatistics().Bytes);
        }
    }

    private static void CopyAtOnce(Stream stream, MemoryStream copy)
    {
        byte[] buffer = new byte[7000];
        while (stream.Read(buffer) is > 0 and var read) copy.Write(buffer, 0, read);
    }

    private string[] PartFiles(MultipartUpload upload) =>
        [.. new DirectoryInfo(Path.Combine(UploadsFolder, upload.Id)).GetFiles().Select(f => $"{f.Name} {f.Length} {f.LastWriteTimeUtc.Ticks}").Order(StringComparer.Ordinal)];

    private async Task ExpireAsync()
    {
        await Store.UpdateAsync(Key, new BlobChanges { Expires = Clock.GetUtcNow().AddSeconds(30) });
        Clock.Advance(TimeSpan.FromMinutes(1));
        await TierFixture.WaitForAsync(() => Store.GetStatistics().Expirations == 1, "the sweep never came");
    }
}
