using System.Diagnostics;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>Uploads under way in a disk store: what a restart, a limit, time and several callers at once do to them.</summary>
public sealed class DiskUploadTests : DiskFixture
{
    [Fact]
    public async Task An_upload_goes_on_after_a_restart_as_it_was()
    {
        await OpenAsync();
        byte[][] parts = [Bytes(70_000, 1), Bytes(200, 2), Bytes(80_000, 3)];
        var options = new WriteOptions { ContentType = "text/plain", ContentEncoding = "x", Expires = Clock.GetUtcNow().AddDays(1), Metadata = new Dictionary<string, string> { ["a"] = "1" } };
        MultipartUpload begun = await Uploads.CreateAsync(Key, options);
        Clock.Jump(TimeSpan.FromMinutes(1));
        PartReference first = await PartAsync(begun, 1, parts[0]), second = await PartAsync(begun, 2, parts[1]);
        IReadOnlyList<UploadedPart>? listed = await Uploads.ListPartsAsync(Key, begun.Id);
        MultipartUpload before = (await Uploads.FindAsync(Key, begun.Id))!;
        long bytes = Store.GetStatistics().Bytes;

        await OpenAsync();
        MultipartUpload after = (await Uploads.FindAsync(Key, begun.Id))!;
        Assert.Equal(before with { Options = after.Options }, after);
        Assert.Equal(before.Options with { Metadata = null }, after.Options with { Metadata = null });
        Assert.Equal(options.Metadata, after.Options.Metadata);
        Assert.Equal(listed!.Select(p => p with { Metadata = BlobInfo.NoMetadata }), (await Uploads.ListPartsAsync(Key, begun.Id))!.Select(p => p with { Metadata = BlobInfo.NoMetadata }));
        Assert.Equal(bytes, Store.GetStatistics().Bytes);
        PartReference third = await PartAsync(begun, 3, parts[2]);
        MultipartUpload later = await Uploads.CreateAsync(Key);
        Assert.True(string.CompareOrdinal(later.Id, begun.Id) > 0, "an upload begun after the restart sorts before one begun ahead of it");
        CompleteResult completed = await Uploads.CompleteAsync(Key, begun.Id, [first, second, third]);
        Assert.Equal(CompleteStatus.Completed, completed.Status);
        Assert.Equal(options.Expires, completed.Info!.Expires);
        await AssertBooksAsync("after the completion");
        await AssertHoldsAsync([.. parts.SelectMany(p => p)]);
        Assert.Equal([later.Id], (await Uploads.ListUploadsAsync(new UploadListRequest())).Select(u => u.Id));
    }

    [Fact]
    public async Task Ids_of_callers_are_looked_up_and_go_nowhere_else()
    {
        await OpenAsync();
        MultipartUpload upload = await Uploads.CreateAsync(Key);
        string[] hostile = ["", ".", "..", "../values/" + upload.Id, upload.Id + "/", "./" + upload.Id, upload.Id.ToUpperInvariant(), "/etc", "\0", new string('a', 1 << 20), new string('0', 32)];
        foreach (string id in hostile)
        {
            Assert.Null(await Uploads.FindAsync(Key, id));
            Assert.Null(await Uploads.OpenPartAsync(Key, id, 1));
            Assert.Null(await Uploads.ListPartsAsync(Key, id));
            Assert.False(await Uploads.AbortAsync(Key, id));
            Assert.Equal(CompleteStatus.Missing, (await Uploads.CompleteAsync(Key, id, [new PartReference(1, "x")])).Status);
        }

        Assert.NotNull(await Uploads.FindAsync(Key, upload.Id));
    }

    [Fact]
    public async Task An_upload_that_nobody_touches_goes_with_its_files_and_one_that_is_touched_stays()
    {
        await OpenAsync(expiry: TimeSpan.FromHours(1));
        (MultipartUpload left, _) = await BeginAsync(Bytes(1000));
        (MultipartUpload touched, _) = await BeginAsync(Bytes(1000));
        Clock.Advance(TimeSpan.FromMinutes(50));
        await PartAsync(touched, 2, Bytes(10));

        await OpenAsync(expiry: TimeSpan.FromHours(1));
        Clock.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal(2, (await Uploads.ListUploadsAsync(new UploadListRequest())).Count);
        Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(await Uploads.FindAsync(Key, left.Id));
        Clock.Advance(TimeSpan.FromMinutes(2));
        await Eventually.HoldsAsync(() => FilesInUse == 2, "the abandoned upload keeps its files");
        Assert.Equal([touched.Id], (await Uploads.ListUploadsAsync(new UploadListRequest())).Select(u => u.Id));
        await AssertBooksAsync("after the sweep");
    }

    [Fact]
    public async Task A_part_that_outlives_its_upload_is_refused_and_leaves_no_file()
    {
        await OpenAsync(expiry: TimeSpan.FromHours(1));
        foreach (string end in (string[])["abort", "complete", "expire"])
        {
            (MultipartUpload upload, PartReference[] parts) = await BeginAsync(Bytes(1000));
            await using (IBlobWriter? writing = await Uploads.OpenPartAsync(Key, upload.Id, 1))
            {
                await writing!.WriteAsync(Bytes(200_000, 2), CancellationToken.None);
                if (end == "abort") Assert.True(await Uploads.AbortAsync(Key, upload.Id));
                if (end == "complete") await Uploads.CompleteAsync(Key, upload.Id, parts);
                if (end == "expire") Clock.Jump(TimeSpan.FromHours(1));
                Assert.Equal(WriteStatus.Missing, (await writing.CommitAsync(null, CancellationToken.None)).Status);
            }
        }

        Clock.Advance(TimeSpan.FromMinutes(1));
        await Eventually.HoldsAsync(() => FilesInUse == 1, "a part that was refused keeps its file");
        await AssertHoldsAsync(Bytes(1000));
        await AssertBooksAsync("after the ends");
    }

    [Fact]
    public async Task Parts_count_against_the_capacity_and_give_it_back()
    {
        const long Most = 256 << 10;
        await OpenAsync(Most);
        (MultipartUpload upload, PartReference[] parts) = await BeginAsync(Bytes(80_000, 1), Bytes(80_000, 2), Bytes(80_000, 3));
        StorageException full = await Assert.ThrowsAsync<StorageException>(() => PartAsync(upload, 4, Bytes(30_000)));
        Assert.Equal((StorageErrorKind.Full, WriteOutcome.NotApplied), (full.Kind, full.Outcome));
        Assert.Equal(StorageErrorKind.Full, (await Assert.ThrowsAsync<StorageException>(async () => await Store.PutBytesAsync(BlobKey.Parse("b"), Bytes(30_000)))).Kind);
        Assert.Equal(StorageErrorKind.TooLarge, (await Assert.ThrowsAsync<StorageException>(() => PartAsync(upload, 5, Bytes(300_000)))).Kind);
        Assert.Equal(3, FilesInUse);

        // What a part replaces makes room for it, and a completion needs none for the parts.
        parts[1] = await PartAsync(upload, 2, Bytes(85_000, 4));
        await AssertBooksAsync("after a part was replaced", Most);
        Assert.Equal(CompleteStatus.Completed, (await Uploads.CompleteAsync(Key, upload.Id, parts)).Status);
        await AssertBooksAsync("after the completion", Most);
        Assert.True((await Store.UpdateAsync(Key, new BlobChanges { ContentType = "text/new" })).IsWritten);
        await AssertBooksAsync("after the update", Most);
        await Store.PutBytesAsync(Key, Bytes(200_000));
        await AssertBooksAsync("after the blob was replaced", Most);
        await Store.DeleteAsync(Key);
        Assert.Equal(0, Store.GetStatistics().Bytes);

        (upload, _) = await BeginAsync(Bytes(80_000), Bytes(80_000));
        Assert.True(await Uploads.AbortAsync(Key, upload.Id));
        Assert.Equal((0, 0), (Store.GetStatistics().Bytes, FilesInUse));
    }

    [Fact]
    public async Task Parts_that_come_at_once_do_not_pass_the_capacity_together()
    {
        const long Most = 256 << 10;
        await OpenAsync(Most);
        (MultipartUpload upload, _) = await BeginAsync();
        await Task.WhenAll(Enumerable.Range(1, 16).Select(i => Task.Run(async () =>
        {
            try
            {
                await PartAsync(upload, i, Bytes(40_000));
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.Full)
            {
                // As it should be.
            }
        })));
        Assert.Equal(6, (await Uploads.FindAsync(Key, upload.Id))!.Parts);
        Assert.Equal(6, FilesInUse);
        await AssertBooksAsync("after parts at once", Most);
    }

    [Fact]
    public async Task A_store_that_evicts_takes_no_uploads_and_lets_a_composed_blob_go_with_its_parts()
    {
        await OpenAsync();
        await ComposeAsync(Bytes(80_000, 1), Bytes(80_000, 2));
        await OpenAsync(256 << 10, evicts: true);
        Assert.False(Store.Capabilities.MultipartUploads);
        Assert.False(Store.TryGetFacet(out IMultipartUploads? _));
        await AssertHoldsAsync([.. Bytes(80_000, 1), .. Bytes(80_000, 2)]);
        for (int i = 0; i < 4; i++) await Store.PutBytesAsync(BlobKey.Parse($"b{i}"), Bytes(100_000));
        Assert.Null(await Store.StatAsync(Key));
        Assert.Equal(0, FilesInUse);
    }

    [Fact]
    public async Task Ten_thousand_parts_are_completed_and_read_back()
    {
        await OpenAsync(durability: DiskDurability.OperatingSystem);
        MultipartUpload upload = await Uploads.CreateAsync(Key);
        var parts = new PartReference[IMultipartUploads.MaxParts];
        await Parallel.ForAsync(0, parts.Length, async (i, _) => parts[i] = await PartAsync(upload, i + 1, BitConverter.GetBytes(i)));
        Assert.Equal(parts.Length, (await Uploads.ListPartsAsync(Key, upload.Id, 0, parts.Length))!.Count);
        long started = Stopwatch.GetTimestamp();
        Assert.Equal(CompleteStatus.Completed, (await Uploads.CompleteAsync(Key, upload.Id, parts)).Status);
        TimeSpan took = Stopwatch.GetElapsedTime(started);
        Assert.True(took < TimeSpan.FromSeconds(10), $"a completion of 40,000 bytes took {took}: it must cost what the list costs");

        await OpenAsync();
        byte[] whole = [.. Enumerable.Range(0, parts.Length).SelectMany(BitConverter.GetBytes)];
        await AssertHoldsAsync(whole);
        await using BlobReadResult? range = await Store.ReadAsync(Key, new ReadOptions { Range = BlobRange.From(20_001, 6) });
        await using Stream stream = range!.OpenStream();
        byte[] read = new byte[6];
        await stream.ReadExactlyAsync(read);
        Assert.Equal(whole[20_001..20_007], read);
    }

    [Fact]
    public async Task Whoever_comes_at_once_leaves_a_whole_blob_or_none_and_no_file_too_many()
    {
        await OpenAsync(durability: DiskDurability.OperatingSystem);
        for (int round = 0; round < 40; round++)
        {
            (MultipartUpload upload, PartReference[] parts) = await BeginAsync(Bytes(3000, round), Bytes(70_000, round + 1));
            Task<CompleteResult>[] completions = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(async () => await Uploads.CompleteAsync(Key, upload.Id, parts)))];
            Task<bool> abort = Task.Run(async () => round % 2 == 0 && await Uploads.AbortAsync(Key, upload.Id));
            Task late = Task.Run(() => LatePartAsync(upload));
            CompleteResult[] results = await Task.WhenAll(completions);
            bool aborted = await abort;
            await late;
            int completed = results.Count(r => r.Status == CompleteStatus.Completed);
            if (results.Any(r => r.Status == CompleteStatus.InvalidPart))
            {
                // The part came in between; the upload goes on, unless it was aborted.
                Assert.Equal(0, completed);
                Assert.NotEqual(aborted, await Uploads.AbortAsync(Key, upload.Id));
            }
            else
            {
                Assert.Equal(aborted ? 0 : 1, completed);
            }

            if (completed == 1) await AssertHoldsAsync([.. Bytes(3000, round), .. Bytes(70_000, round + 1)]);
            await AssertNoUploadsAsync();
        }

        // What waits for its flush is let go at the closing, so that an opening finds what the books say.
        StoreStatistics before = Store.GetStatistics();
        await OpenAsync();
        Assert.Equal(before.Bytes, Store.GetStatistics().Bytes);
        Assert.Equal(await Store.StatAsync(Key) is null ? 0 : 2, FilesInUse);
    }

    [Fact]
    public async Task Of_parts_of_one_number_that_come_at_once_one_stays()
    {
        await OpenAsync();
        for (int round = 0; round < 20; round++)
        {
            (MultipartUpload upload, _) = await BeginAsync();
            await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(() => PartAsync(upload, 1, Bytes(1000 + i, i)))));
            UploadedPart kept = Assert.Single((await Uploads.ListPartsAsync(Key, upload.Id))!);
            Assert.Equal((1, kept.Length), ((await Uploads.FindAsync(Key, upload.Id))!.Parts, (await Uploads.FindAsync(Key, upload.Id))!.Bytes));
            Assert.Equal(round == 0 ? 1 : 2, FilesInUse);
            Assert.Equal(CompleteStatus.Completed, (await Uploads.CompleteAsync(Key, upload.Id, [new PartReference(1, kept.ETag)])).Status);
            await AssertHoldsAsync(Bytes((int)kept.Length, (int)kept.Length - 1000));
        }

        await AssertBooksAsync("after parts at once");
    }

    private async Task LatePartAsync(MultipartUpload upload)
    {
        await using IBlobWriter? writer = await Uploads.OpenPartAsync(upload.Key, upload.Id, 2);
        if (writer is null) return;
        await writer.WriteAsync(Bytes(500, 99), CancellationToken.None);
        await writer.CommitAsync(null, CancellationToken.None);
    }
}
