using System.Buffers.Binary;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>What an opening makes of the files as a crash may leave them: each state is staged by hand.</summary>
public sealed class DiskUploadCrashTests : DiskUploadFixture
{
    private static readonly byte[] First = Bytes(70_000, 1), Second = Bytes(500, 2);

    private static byte[] Whole => [.. First, .. Second];

    [Fact]
    public async Task Before_the_commit_of_a_completion_the_upload_goes_on()
    {
        await OpenAsync();
        (MultipartUpload upload, PartReference[] parts) = await BeginAsync(First, Second);
        await CloseAsync();
        await File.WriteAllBytesAsync(Path.Combine(UploadsFolder, "..", "tmp", "half-a-manifest"), Bytes(100));
        await OpenAsync();
        Assert.Null(await Store.StatAsync(Key));
        Assert.Equal(CompleteStatus.Completed, (await Uploads.CompleteAsync(Key, upload.Id, parts)).Status);
        await AssertHoldsAsync(Whole);
        Assert.Empty(TemporaryFiles);
    }

    [Fact]
    public async Task After_the_commit_of_a_completion_the_blob_is_whole_and_the_upload_is_over_for_good()
    {
        await OpenAsync();
        (MultipartUpload upload, PartReference[] parts) = await BeginAsync(First, Second, Bytes(90, 3));
        using var before = new FolderCopy(UploadsFolder);
        Assert.Equal(CompleteStatus.Completed, (await Uploads.CompleteAsync(Key, upload.Id, parts[..2])).Status);
        await CloseAsync();

        // Session and dropped part are back: neither removal had reached the disk.
        before.Restore();
        await OpenAsync();
        await AssertHoldsAsync(Whole);
        await AssertNoUploadsAsync();
        Assert.Equal(2, Directory.GetFiles(UploadFolders.Single()).Length);
        AssertBooksMatchFiles("after the restart");
        await Store.DeleteAsync(Key);
        Assert.Empty(UploadFolders);
        await OpenAsync();
        await AssertNoUploadsAsync();
    }

    [Theory]
    [InlineData("delete")]
    [InlineData("overwrite")]
    [InlineData("complete")]
    public async Task A_blob_that_is_gone_stays_gone_whatever_of_its_files_is_left(string how)
    {
        await OpenAsync();
        (MultipartUpload upload, PartReference[] parts) = await BeginAsync(First, Second);
        using var session = new FolderCopy(UploadsFolder);
        await Uploads.CompleteAsync(Key, upload.Id, parts);
        using FolderCopy blobs = new(Path.GetDirectoryName(BlobFiles.Single())!), folder = new(UploadsFolder);
        if (how == "delete") await Store.DeleteAsync(Key);
        if (how == "overwrite") await Store.PutBytesAsync(Key, Second);
        if (how == "complete") await ComposeAsync(Second);
        foreach (FolderCopy[] left in (FolderCopy[][])[[blobs, folder], [blobs, folder, session], [folder], [blobs]])
        {
            await CloseAsync();
            foreach (FolderCopy copy in left) copy.Restore();
            await OpenAsync();
            await AssertNoUploadsAsync();
            if (how == "delete") Assert.Null(await Store.StatAsync(Key));
            else await AssertHoldsAsync(Second);
            Assert.Equal(how == "complete" ? 1 : 0, UploadFolders.Length);
            Assert.Single(BlobFiles);
        }
    }

    [Fact]
    public async Task Two_manifests_of_the_same_parts_are_one_blob_with_the_newer_metadata()
    {
        await OpenAsync();
        await ComposeAsync(First, Second);
        using var blobs = new FolderCopy(Path.GetDirectoryName(BlobFiles.Single())!);
        await Store.UpdateAsync(Key, new BlobChanges { ContentType = "text/new" });
        await CloseAsync();
        blobs.Restore();
        Assert.Equal(2, BlobFiles.Length);
        await OpenAsync();
        Assert.Single(BlobFiles);
        Assert.Equal("text/new", (await Store.StatAsync(Key))!.ContentType);
        await AssertHoldsAsync(Whole);
        AssertBooksMatchFiles("after the restart");
        await Store.DeleteAsync(Key);
        Assert.Empty(UploadFolders);
    }

    [Fact]
    public async Task A_folder_that_nothing_names_is_removed_and_one_that_is_not_an_uploads_is_left_alone()
    {
        await OpenAsync();
        (MultipartUpload upload, _) = await BeginAsync(First);
        await CloseAsync();
        File.Delete(Path.Combine(UploadsFolder, upload.Id, "session"));
        Directory.CreateDirectory(Path.Combine(UploadsFolder, new string('0', 32)));
        string foreign = Directory.CreateDirectory(Path.Combine(UploadsFolder, "a-users-own")).FullName;
        await OpenAsync();
        Assert.Equal([foreign], UploadFolders);
        Assert.Equal(0, Store.GetStatistics().Bytes);
    }

    [Fact]
    public async Task Of_two_files_of_one_part_the_newer_counts()
    {
        await OpenAsync();
        (MultipartUpload upload, _) = await BeginAsync(First);
        using var older = new FolderCopy(UploadsFolder);
        PartReference newer = await PartAsync(upload, 1, Second);
        await CloseAsync();
        older.Restore();
        Assert.Equal(2, Directory.GetFiles(Path.Combine(UploadsFolder, upload.Id), "*.part").Length);
        await OpenAsync();
        Assert.Equal(newer.ETag, Assert.Single((await Uploads.ListPartsAsync(Key, upload.Id))!).ETag);
        AssertBooksMatchFiles("after the restart");
        await Uploads.CompleteAsync(Key, upload.Id, [newer]);
        await AssertHoldsAsync(Second);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("cut")]
    [InlineData("empty")]
    [InlineData("flipped")]
    [InlineData("another")]
    [InlineData("folder")]
    public async Task A_part_that_is_lost_makes_its_bytes_corrupt_and_no_others(string fault)
    {
        await OpenAsync();
        MultipartUpload upload = await ComposeAsync(First, Second);
        await CloseAsync();
        string[] files = [.. Directory.GetFiles(Path.Combine(UploadsFolder, upload.Id)).Order(StringComparer.Ordinal)];
        byte[] part = await File.ReadAllBytesAsync(files[1]);
        if (fault == "missing") File.Delete(files[1]);
        if (fault == "cut") await File.WriteAllBytesAsync(files[1], part[..300]);
        if (fault == "empty") await File.WriteAllBytesAsync(files[1], []);
        if (fault == "flipped") await File.WriteAllBytesAsync(files[1], [.. part[..300], (byte)(part[300] ^ 1), .. part[301..]]);
        if (fault == "another") File.Copy(files[0], files[1], overwrite: true);
        if (fault == "folder") Directory.Delete(UploadFolders.Single(), recursive: true);
        await OpenAsync();

        // What the length of the files tells is reported at once; a flipped byte when it is read.
        Assert.Equal(fault != "flipped", Log.Warnings > 0);
        Assert.Equal(Whole.Length, (await Store.StatAsync(Key))!.Length);
        await AssertNoUploadsAsync();
        Assert.Equal(StorageErrorKind.Corrupt, (await Assert.ThrowsAsync<StorageException>(async () => await Store.GetBytesAsync(Key))).Kind);
        if (fault != "folder") Assert.Equal(First, await RangeAsync(0, First.Length));
        Assert.Equal(StorageErrorKind.Corrupt, (await Assert.ThrowsAsync<StorageException>(() => RangeAsync(First.Length + 299, 3))).Kind);
        Assert.Equal(DeleteStatus.Deleted, (await Store.DeleteAsync(Key)).Status);
        Assert.Empty(UploadFolders);
    }

    [Fact]
    public async Task A_damaged_manifest_keeps_its_parts_so_that_it_can_be_put_back()
    {
        await OpenAsync();
        await ComposeAsync(First, Second);
        await CloseAsync();
        string manifest = BlobFiles.Single();
        byte[] bytes = await File.ReadAllBytesAsync(manifest);
        await File.WriteAllBytesAsync(manifest, bytes[..100]);
        await OpenAsync();
        Assert.Null(await Store.StatAsync(Key));
        Assert.True(Log.Warnings > 0, "nothing was reported");
        await CloseAsync();
        await File.WriteAllBytesAsync(manifest, bytes);
        await OpenAsync();
        await AssertHoldsAsync(Whole);
    }

    [Fact]
    public async Task A_damaged_session_or_part_is_reported_and_never_taken_for_a_whole_one()
    {
        await OpenAsync();
        (MultipartUpload upload, PartReference[] parts) = await BeginAsync(Bytes(60), Bytes(50, 2));
        await CloseAsync();
        foreach (string file in Directory.GetFiles(Path.Combine(UploadsFolder, upload.Id)))
        {
            byte[] whole = await File.ReadAllBytesAsync(file);
            for (int at = 0; at < whole.Length; at++)
            {
                byte[] damaged = [.. whole];
                damaged[at] ^= 0x41;
                await File.WriteAllBytesAsync(file, damaged);
                int warnings = Log.Warnings;
                await OpenAsync();
                bool isReported = Log.Warnings > warnings;
                MultipartUpload? found = await Uploads.FindAsync(Key, upload.Id);
                bool isSession = Path.GetFileName(file) == "session";
                bool isPayload = !isSession && at < (file.Contains("00001.", StringComparison.Ordinal) ? 60 : 50);
                Assert.True(isPayload != isReported, $"byte {at} of {Path.GetFileName(file)} was flipped, and that was {(isReported ? "" : "not ")}reported");
                Assert.Equal(isSession, found is null);
                if (!isSession) Assert.Equal(isPayload ? 2 : 1, found!.Parts);
            }

            await File.WriteAllBytesAsync(file, whole);
        }

        await OpenAsync();
        await Uploads.CompleteAsync(Key, upload.Id, parts);
        await AssertHoldsAsync([.. Bytes(60), .. Bytes(50, 2)]);
    }

    [Fact]
    public async Task A_reader_of_the_first_format_refuses_what_it_would_misread_and_reads_the_rest()
    {
        await OpenAsync();
        await Store.PutBytesAsync(BlobKey.Parse("b"), Second);
        await ComposeAsync(First, Second);
        (MultipartUpload upload, _) = await BeginAsync(Second);
        foreach (string file in BlobFiles.Concat(Directory.GetFiles(Path.Combine(UploadsFolder, upload.Id))))
        {
            (int format, int kind) = FormatOf(await File.ReadAllBytesAsync(file));
            Assert.Equal(kind == 0 ? 1 : 2, format);
        }
    }

    [Fact]
    public async Task A_kind_or_format_of_a_later_version_is_refused()
    {
        await OpenAsync();
        await Store.PutBytesAsync(Key, Second);
        await CloseAsync();
        string file = BlobFiles.Single();
        byte[] whole = await File.ReadAllBytesAsync(file);
        foreach ((ushort format, ushort kind) in new (ushort, ushort)[] { (2, 0), (1, 2), (2, 5), (3, 2), (1, 4), (2, 1) })
        {
            await File.WriteAllBytesAsync(file, WithFormat(whole, format, kind));
            int warnings = Log.Warnings;
            await OpenAsync();
            Assert.Null(await Store.StatAsync(Key));
            Assert.True(Log.Warnings > warnings, $"format {format}, kind {kind} was passed over in silence");
            await CloseAsync();
        }

        await File.WriteAllBytesAsync(file, WithFormat(whole, 1, 0));
        await OpenAsync();
        await AssertHoldsAsync(Second);
    }

    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("a-users-own")]
    public async Task A_manifest_that_names_another_folder_than_an_uploads_is_refused(string upload)
    {
        await OpenAsync();
        await CloseAsync();
        string foreign = Path.Combine(Directory.CreateDirectory(Path.Combine(UploadsFolder, "a-users-own")).FullName, "file");
        await File.WriteAllTextAsync(foreign, "x");
        var metadata = new DiskBlobMetadata(Key.Value, "e", 1, 0, 0, null, null, null, 0, null, upload);
        byte[] list = DiskManifest.Encode([new DiskPart(1, 0, 0, 1, 1)]);
        byte[] trailer = DiskBlobFile.Trailer(metadata, DiskFileKind.Manifest, list.Length, 7, [Crc32C.Of(list)]);
        string path = Path.Combine(UploadsFolder, "..", DiskBlobFile.RelativePath(Key, 7, upload));
        await File.WriteAllBytesAsync(path, [.. list, .. trailer]);
        await OpenAsync();
        Assert.Null(await Store.StatAsync(Key));
        Assert.True(Log.Warnings > 0, "nothing was reported");
        Assert.True(File.Exists(foreign), "a manifest led out of the uploads' folders");
    }

    private static (int Format, int Kind) FormatOf(byte[] file) =>
        (BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(file.Length - 44)), BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(file.Length - 42)));

    private static byte[] WithFormat(byte[] file, ushort format, ushort kind)
    {
        byte[] changed = [.. file];
        Span<byte> footer = changed.AsSpan(changed.Length - 48);
        BinaryPrimitives.WriteUInt16LittleEndian(footer[4..], format);
        BinaryPrimitives.WriteUInt16LittleEndian(footer[6..], kind);
        BinaryPrimitives.WriteUInt32LittleEndian(footer[44..], Crc32C.Of(footer[..44]));
        return changed;
    }

    private async Task<byte[]> RangeAsync(long offset, int length)
    {
        await using BlobReadResult? read = await Store.ReadAsync(Key, new ReadOptions { Range = BlobRange.From(offset, length) });
        await using Stream stream = read!.OpenStream();
        byte[] bytes = new byte[length];
        await stream.ReadExactlyAsync(bytes);
        return bytes;
    }

    /// <summary>The files of a folder as they were, to be put back beside what has come since.</summary>
    private sealed class FolderCopy : IDisposable
    {
        private readonly TempFolder _copy = new();
        private readonly string _folder;

        public FolderCopy(string folder)
        {
            _folder = folder;
            Copy(folder, _copy.Path);
        }

        public void Restore() => Copy(_copy.Path, _folder);

        public void Dispose() => _copy.Dispose();

        private static void Copy(string from, string to)
        {
            foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
            {
                string target = Path.Combine(to, Path.GetRelativePath(from, file));
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                File.Copy(file, target, overwrite: true);
            }
        }
    }
}
