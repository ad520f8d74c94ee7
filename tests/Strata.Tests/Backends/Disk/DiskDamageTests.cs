using Xunit;

namespace Strata.Tests;

/// <summary>What is damaged is an error to its reader, never a wrong value; it harms nothing else, and can be replaced and deleted.</summary>
public sealed class DiskDamageTests : DiskFixture
{
    private static readonly BlobKey Other = BlobKey.Parse("a/other");

    public static TheoryData<int, string> Kinds => new()
    {
        { 1_000, "metadata" }, { 1_000, "payload" }, { 50_000, "metadata" }, { 50_000, "payload" }, { 2 << 20, "metadata" }, { 2 << 20, "reference" }, { 2 << 20, "payload" },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_damaged_blob_is_told_to_its_reader_and_hides_no_other(int length, string what)
    {
        await DamageAsync(length, what);
        StorageException e = await Assert.ThrowsAsync<StorageException>(async () => await Store.GetBytesAsync(Key));
        Assert.Equal((StorageErrorKind.Corrupt, Key), (e.Kind, e.Key));
        await AssertHoldsAsync(Other, Bytes(length, 2));
        ListPage page = await Store.ListPageAsync(new ListRequest());
        Assert.Contains(page.Items, i => i.Key == Other);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_damaged_blob_can_be_replaced_and_leaves_nothing(int length, string what)
    {
        await DamageAsync(length, what);
        Assert.True((await Store.PutBytesAsync(Key, Bytes(100, 5), new WriteOptions { Condition = WriteCondition.IfOlder(BlobVersion.At(Clock.GetUtcNow().AddDays(1))) })).IsWritten, "a repair was refused");
        await AssertHoldsAsync(Bytes(100, 5));
        await Store.DeleteAsync(Other);
        Assert.Equal(0, FilesInUse);
        await AssertBooksAsync("after the repair");
        await Store.DeleteAsync(Key);
        Assert.Equal((0, 0), (Store.GetStatistics().Bytes, Store.GetStatistics().Blobs));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_damaged_blob_can_be_deleted_and_leaves_nothing(int length, string what)
    {
        await DamageAsync(length, what);
        Assert.Equal(DeleteStatus.Deleted, (await Store.DeleteAsync(Key)).Status);
        Assert.Null(await Store.StatAsync(Key));
        await Store.DeleteAsync(Other);
        Assert.Equal((0, 0, 0), (Store.GetStatistics().Bytes, Store.GetStatistics().Blobs, FilesInUse));
    }

    [Fact]
    public async Task A_large_payload_whose_record_is_damaged_is_read_and_deleted()
    {
        await OpenAsync();
        await Store.PutBytesAsync(Key, Bytes(2 << 20));
        await CloseAsync();
        DiskDamage.Flip(Folder, [.. new byte[DiskKey.UploadIdBytes], .. "a/key"u8], distance: 3);
        await OpenAsync();
        Assert.True(Log.Warnings > 0, "nothing was reported");
        await AssertHoldsAsync(Bytes(2 << 20));
        await Store.DeleteAsync(Key);
        Assert.Equal(0, FilesInUse);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("cut")]
    [InlineData("empty")]
    [InlineData("another")]
    public async Task A_value_file_that_is_lost_makes_its_bytes_corrupt_and_no_others(string fault)
    {
        byte[] first = Bytes(70_000, 1), second = Bytes(100_000, 2);
        await OpenAsync();
        await ComposeAsync(first, second);
        await CloseAsync();
        string[] files = [.. Directory.GetFiles(Path.Combine(Folder, "values")).OrderBy(f => new FileInfo(f).Length)];
        Assert.Equal(2, files.Length);
        byte[] bytes = await File.ReadAllBytesAsync(files[1]);
        if (fault == "missing") File.Delete(files[1]);
        if (fault == "cut") await File.WriteAllBytesAsync(files[1], bytes[..30_000]);
        if (fault == "empty") await File.WriteAllBytesAsync(files[1], []);
        if (fault == "another") await File.WriteAllBytesAsync(files[1], [.. await File.ReadAllBytesAsync(files[0]), .. new byte[50_000]]);
        await OpenAsync();

        // What the length of the files tells is reported at once; the rest when it is read.
        Assert.Equal(fault != "another", Log.Warnings > 0);
        Assert.Equal(170_000, (await Store.StatAsync(Key))!.Length);
        Assert.Equal(StorageErrorKind.Corrupt, (await Assert.ThrowsAsync<StorageException>(async () => await Store.GetBytesAsync(Key))).Kind);
        Assert.Equal(first, await RangeAsync(0, first.Length));
        Assert.Equal(StorageErrorKind.Corrupt, (await Assert.ThrowsAsync<StorageException>(() => RangeAsync(first.Length + 60_000, 3))).Kind);
        Assert.Equal(DeleteStatus.Deleted, (await Store.DeleteAsync(Key)).Status);
        Assert.Equal(0, FilesInUse);
    }

    [Fact]
    public async Task A_damaged_part_is_missing_and_comes_again()
    {
        await OpenAsync();
        (MultipartUpload upload, PartReference[] parts) = await BeginAsync(Bytes(60), Bytes(50, 2));
        await CloseAsync();
        DiskDamage.Flip(Folder, DiskKey.OfPart(upload.Id, 1), distance: 30);
        await OpenAsync();
        Assert.True(Log.Warnings > 0, "nothing was reported");
        Assert.Equal([2], (await Uploads.ListPartsAsync(Key, upload.Id))!.Select(p => p.Number));
        Assert.Equal(new CompleteResult(CompleteStatus.InvalidPart, null, 1), await Uploads.CompleteAsync(Key, upload.Id, parts));
        parts[0] = await PartAsync(upload, 1, Bytes(70, 3));
        Assert.Equal(CompleteStatus.Completed, (await Uploads.CompleteAsync(Key, upload.Id, parts)).Status);
        await AssertHoldsAsync([.. Bytes(70, 3), .. Bytes(50, 2)]);
        Assert.Equal(2, FilesInUse);
        await AssertBooksAsync("after the damaged part was replaced");
    }

    [Theory]
    [InlineData("abort")]
    [InlineData("complete")]
    public async Task The_file_of_a_damaged_part_goes_with_its_upload_and_no_other_does(string end)
    {
        await OpenAsync();
        await ComposeAsync(Bytes(40, 7));
        BlobKey kept = BlobKey.Parse("a/kept");
        await Store.PutBytesAsync(kept, Bytes(2 << 20));
        (MultipartUpload other, _) = await BeginAsync(Bytes(30, 8));
        (MultipartUpload upload, PartReference[] parts) = await BeginAsync(Bytes(60), Bytes(50, 2), Bytes(70, 3));
        await CloseAsync();
        DiskDamage.Flip(Folder, DiskKey.OfPart(upload.Id, 2), distance: 30);
        await OpenAsync();
        Assert.Equal(6, FilesInUse);
        if (end == "abort") Assert.True(await Uploads.AbortAsync(Key, upload.Id));
        if (end != "abort") Assert.Equal(CompleteStatus.Completed, (await Uploads.CompleteAsync(Key, upload.Id, [parts[0], parts[2]])).Status);
        await AssertHoldsAsync(end == "abort" ? Bytes(40, 7) : [.. Bytes(60), .. Bytes(70, 3)]);
        await AssertHoldsAsync(kept, Bytes(2 << 20));
        Assert.Equal([1], (await Uploads.ListPartsAsync(Key, other.Id))!.Select(p => p.Number));
        Assert.Equal(end == "abort" ? 3 : 4, FilesInUse);
        await AssertBooksAsync($"after the {end}");
    }

    [Fact]
    public async Task A_damaged_upload_is_missing_and_keeps_its_parts()
    {
        await OpenAsync();
        (MultipartUpload upload, _) = await BeginAsync(Bytes(60), Bytes(50, 2));
        await CloseAsync();
        DiskDamage.Flip(Folder, "text/plain"u8);
        await OpenAsync();
        Assert.True(Log.Warnings > 0, "nothing was reported");
        Assert.Null(await Uploads.FindAsync(Key, upload.Id));
        Clock.Advance(TimeSpan.FromMinutes(1));
        await Store.PutBytesAsync(Other, Bytes(10), new WriteOptions { Expires = Clock.GetUtcNow().AddSeconds(30) });
        Clock.Advance(TimeSpan.FromMinutes(1));
        await Eventually.HoldsAsync(() => Store.GetStatistics().Expirations == 1, "the sweep never came");
        Assert.Equal(2, FilesInUse);
    }

    [Fact]
    public async Task What_lies_behind_damage_in_a_cache_is_evicted_and_then_the_segment_goes()
    {
        const long Most = 256 << 10;
        await OpenAsync(Most, evicts: true, segmentBytes: LogOptions.MinSegmentBytes);
        for (int i = 0; i < 40; i++) await Store.PutBytesAsync(KeyOf(i), Bytes(3_000, i));
        await CloseAsync();

        // The length of a frame: from there on the segment cannot be followed.
        DiskDamage.Flip(Folder, [(byte)LogKeyspace.Blobs, .. "k/00003"u8], distance: 4 - LogEntryHeader.Bytes - LogFrameHeader.Bytes);
        await OpenAsync(Most, evicts: true, segmentBytes: LogOptions.MinSegmentBytes);
        Assert.NotNull(await Store.StatAsync(KeyOf(10)));
        int last = 40;
        for (int i = 0; i < 40; i++)
        {
            // What compaction moves just then the hand passes by, and comes to the next time round.
            while (last < 4_000 && (last < 400 || await Store.StatAsync(KeyOf(i)) is not null)) await Store.PutBytesAsync(KeyOf(last), Bytes(3_000, last++));
            Assert.True(await Store.StatAsync(KeyOf(i)) is null, $"'{KeyOf(i)}' lies behind the damage and is never evicted");
        }

        await Eventually.HoldsAsync(() => Store.GetStatistics().Fault is null && !File.Exists(Path.Combine(Folder, "segments", "00000001.seg")), "a damaged segment without anything in it that counts stays for ever");
        for (int i = last - 40; i < last; i++) await AssertHoldsAsync(KeyOf(i), Bytes(3_000, i));
    }

    private async Task<byte[]> RangeAsync(long offset, int length)
    {
        await using BlobReadResult? read = await Store.ReadAsync(Key, new ReadOptions { Range = BlobRange.From(offset, length) });
        await using Stream stream = read!.OpenStream();
        byte[] bytes = new byte[length];
        await stream.ReadExactlyAsync(bytes);
        return bytes;
    }

    private async Task DamageAsync(int length, string what)
    {
        await OpenAsync();
        await Store.PutBytesAsync(Key, Bytes(length), new WriteOptions { ContentType = "type/of-it" });
        await Store.PutBytesAsync(Other, Bytes(length, 2));
        await CloseAsync();
        if (what == "metadata") DiskDamage.Flip(Folder, "type/of-it"u8);
        else if (what == "payload") DiskDamage.Flip(Folder, Bytes(length).AsSpan(length / 2, 64));
        else DiskDamage.Flip(Folder, [(byte)LogKeyspace.Payloads, .. "a/key"u8], distance: 20);
        await OpenAsync();
    }
}
