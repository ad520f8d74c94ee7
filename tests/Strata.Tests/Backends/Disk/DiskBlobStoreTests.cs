using System.Buffers;
using System.Runtime.InteropServices;
using Xunit;

namespace Strata.Tests;

/// <summary>What the disk store keeps over restarts, and what it makes of what it finds in its folder.</summary>
public sealed class DiskBlobStoreTests : DiskFixture
{
    [Fact]
    public async Task A_blob_comes_back_as_it_was_with_all_that_is_known_of_it()
    {
        await OpenAsync();
        var written = new List<BlobInfo>();
        foreach (int length in (int[])[0, 10, 5_000, 100_000, 2 << 20])
        {
            var options = new WriteOptions
            {
                ContentType = "text/plain; charset=utf-8",
                ContentEncoding = length == 10 ? null : "gzip",
                ETag = length == 0 ? null : $"given-{length}",
                Expires = length == 5_000 ? null : Clock.GetUtcNow().AddDays(1),
                Metadata = new Dictionary<string, string> { ["grüße"] = "Zürich — 東京 — 🚀", ["empty"] = "", ["long"] = new string('x', 3_000) },
            };
            written.Add((await Store.PutBytesAsync(KeyOf(length), Bytes(length), options)).Info!);
        }

        await OpenAsync();
        foreach (BlobInfo info in written)
        {
            BlobInfo found = (await Store.StatAsync(info.Key))!;
            Assert.Equal(info with { Metadata = BlobInfo.NoMetadata }, found with { Metadata = BlobInfo.NoMetadata });
            Assert.Equal(info.Metadata.OrderBy(p => p.Key, StringComparer.Ordinal), found.Metadata.OrderBy(p => p.Key, StringComparer.Ordinal));
            await using BlobReadResult? read = await Store.ReadAsync(info.Key);
            Assert.Equal(info with { Metadata = BlobInfo.NoMetadata }, read!.Info with { Metadata = BlobInfo.NoMetadata });
            await AssertHoldsAsync(info.Key, Bytes((int)info.Length));
        }

        await AssertBooksAsync("after a restart");
    }

    [Fact]
    public async Task A_delete_keeps_older_copies_out_over_a_restart()
    {
        await OpenAsync();
        BlobInfo old = (await Store.PutBytesAsync(Key, Bytes(10))).Info!;
        DeleteResult deleted = await Store.DeleteAsync(Key);
        await OpenAsync();
        var late = new WriteOptions { AsCopyOf = old, Condition = WriteCondition.IfOlder(old.Version) };
        Assert.Equal(WriteStatus.PreconditionFailed, (await Store.PutBytesAsync(Key, Bytes(10), late)).Status);
        Assert.Equal(DeleteStatus.PreconditionFailed, (await Store.DeleteAsync(Key, WriteCondition.IfOlder(deleted.Version))).Status);
        WriteResult newer = await Store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfOlder(deleted.Version.Next()) });
        Assert.True(newer.IsWritten && newer.Info!.Version > deleted.Version, "what is newer than the delete must come in");
    }

    [Fact]
    public async Task What_has_expired_keeps_older_copies_out_once_it_was_swept()
    {
        await OpenAsync();
        BlobInfo old = (await Store.PutBytesAsync(Key, Bytes(10))).Info!;
        await Store.PutBytesAsync(Key, Bytes(20), new WriteOptions { Expires = Clock.GetUtcNow().AddSeconds(5) });
        Clock.Advance(TimeSpan.FromMinutes(1));
        await Eventually.HoldsAsync(() => Store.GetStatistics() is { Expirations: 1, Bytes: 0, Blobs: 0 }, "the sweep never came");
        await OpenAsync();
        var late = new WriteOptions { AsCopyOf = old, Condition = WriteCondition.IfOlder(old.Version) };
        Assert.Equal(WriteStatus.PreconditionFailed, (await Store.PutBytesAsync(Key, Bytes(10), late)).Status);
    }

    [Fact]
    public async Task What_was_here_at_the_opening_expires_and_is_swept()
    {
        await OpenAsync();
        for (int i = 0; i < 600; i++) await Store.PutBytesAsync(KeyOf(i), Bytes(10), new WriteOptions { Expires = i % 2 == 0 ? Clock.GetUtcNow().AddSeconds(30) : null });
        await OpenAsync();
        Assert.Equal(600, Store.GetStatistics().Blobs);
        Clock.Advance(TimeSpan.FromMinutes(1));
        await Eventually.HoldsAsync(() => Store.GetStatistics() is { Expirations: 300, Blobs: 300 }, "what was there at the opening is never swept");
        Assert.True(Store.GetLogStatistics().Commits <= 3, "many expired blobs must share a commit");
        await AssertBooksAsync("after the sweep");
    }

    [Fact]
    public async Task A_clock_that_is_set_back_revives_nothing_and_repeats_no_version()
    {
        await OpenAsync();
        BlobInfo first = (await Store.PutBytesAsync(KeyOf(0), Bytes(10), new WriteOptions { Expires = Clock.GetUtcNow().AddSeconds(5) })).Info!;
        Clock.Jump(TimeSpan.FromSeconds(10));
        Assert.Null(await Store.StatAsync(KeyOf(0)));
        BlobInfo second = (await Store.PutBytesAsync(KeyOf(1), Bytes(10))).Info!;
        Clock.Jump(TimeSpan.FromHours(-24));
        Assert.Null(await Store.StatAsync(KeyOf(0)));
        await OpenAsync();
        Assert.Null(await Store.StatAsync(KeyOf(0)));
        Assert.Empty((await Store.ListPageAsync(new ListRequest { Prefix = KeyOf(0).Value })).Items);
        BlobInfo third = (await Store.PutBytesAsync(KeyOf(2), Bytes(10))).Info!;
        Assert.True(third.Version > second.Version && second.Version > first.Version, "versions must rise over a restart with the clock set back");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_version_clock_that_is_lost_or_damaged_lets_versions_go_on_from_the_highest_found(bool isLost)
    {
        await OpenAsync();
        BlobInfo first = (await Store.PutBytesAsync(KeyOf(0), Bytes(10))).Info!;
        await CloseAsync();
        string file = Path.Combine(Folder, "clock");
        if (isLost) File.Delete(file);
        else await File.WriteAllBytesAsync(file, Bytes(32));
        Clock.Jump(TimeSpan.FromHours(-24));
        int warnings = Log.Warnings;
        await OpenAsync();
        Assert.True(Log.Warnings > warnings, "it was passed over in silence");
        Assert.True((await Store.PutBytesAsync(KeyOf(1), Bytes(10))).Info!.Version > first.Version, "a version was repeated");
    }

    [Fact]
    public async Task A_folder_of_the_older_format_is_refused_and_left_as_it_is()
    {
        string old = Path.Combine(Folder, "blobs", "00", "x.blob");
        Directory.CreateDirectory(Path.GetDirectoryName(old)!);
        await File.WriteAllBytesAsync(old, Bytes(10));
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => OpenAsync());
        Assert.Equal(StorageErrorKind.Unsupported, e.Kind);
        Assert.Contains("older format", e.Message, StringComparison.Ordinal);
        Assert.Contains("strata cp", e.Message, StringComparison.Ordinal);
        Assert.Equal([old], Directory.GetFiles(Folder, "*", SearchOption.AllDirectories).Where(f => !Path.GetFileName(f).StartsWith("owner", StringComparison.Ordinal)));
        Directory.Delete(Path.Combine(Folder, "blobs"), recursive: true);
        await OpenAsync();
    }

    [Fact]
    public async Task Many_deletes_share_a_commit()
    {
        await OpenAsync();
        for (int i = 0; i < 500; i++) await Store.PutBytesAsync(KeyOf(i), Bytes(i % 3 == 0 ? 10_000 : 10));
        long commits = Store.GetLogStatistics().Commits;
        DeleteManyResult result = await Store.DeleteManyAsync([.. Enumerable.Range(0, 500).Select(KeyOf), KeyOf(3), BlobKey.Parse("never")]);
        Assert.Equal((500, true), (result.Deleted, result.IsComplete));
        Assert.Equal(2, result.Outcomes.Count(o => o.Status == DeleteStatus.Missing));
        Assert.InRange(Store.GetLogStatistics().Commits - commits, 1, 3);
        Assert.Equal((0, 0), (Store.GetStatistics().Blobs, Store.GetStatistics().Bytes));
    }

    [Fact]
    public async Task Many_deletes_among_writers_delete_each_once_and_leave_what_came_later()
    {
        await OpenAsync(durability: DiskDurability.OperatingSystem);
        using var done = new CancellationTokenSource();
        Task writer = Task.Run(async () =>
        {
            while (!done.IsCancellationRequested) await Store.PutBytesAsync(KeyOf(7), Bytes(10));
        });
        for (int round = 0; round < 50; round++)
        {
            for (int i = 0; i < 5; i++) await Store.PutBytesAsync(KeyOf(i), Bytes(10));
            DeleteManyResult result = await Store.DeleteManyAsync([.. Enumerable.Range(0, 9).Select(KeyOf)]);
            Assert.True(result.IsComplete, "a delete failed because another key was written");
            for (int i = 0; i < 5; i++) Assert.Null(await Store.StatAsync(KeyOf(i)));
        }

        await done.CancelAsync();
        await writer;
        await AssertBooksAsync("after deletes among writers");
    }

    [Theory]
    [InlineData(1_000, true)]
    [InlineData(6_000, true)]
    [InlineData(100_000, true)]
    [InlineData(1_000, false)]
    [InlineData(100_000, false)]
    public async Task A_blob_stays_as_it_is_until_its_reader_has_gone(int length, bool maps)
    {
        await OpenAsync(segmentBytes: 256 << 10, mapReads: maps);
        byte[] bytes = Bytes(length);
        await Store.PutBytesAsync(Key, bytes);
        BlobReadResult read = (await Store.ReadAsync(Key))!;
        Assert.True(read.TryGetSequence(out ReadOnlySequence<byte> sequence));
        Stream stream = read.OpenStream();
        BlobInfo info = (await Store.StatAsync(Key))!;
        for (int i = 0; i < 30; i++) await Store.PutBytesAsync(Key, Bytes(100_000, 2 + i));
        Assert.True(bytes.AsSpan().SequenceEqual(sequence.ToArray()), "the bytes changed under their reader");
        using (MemoryHandle pinned = sequence.First.Pin())
        {
            await read.DisposeAsync();
            await read.DisposeAsync();
            byte[] copy = new byte[bytes.Length];
            Marshal.Copy(AddressOf(pinned), copy, 0, copy.Length);
            Assert.True(bytes.AsSpan().SequenceEqual(copy), "bytes that are pinned must stay");
        }

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await stream.ReadExactlyAsync(new byte[10]));
        Assert.Throws<ObjectDisposedException>(() => sequence.ToArray());
        Assert.Equal(info, read.Info);

        static unsafe nint AddressOf(MemoryHandle pinned) => (nint)pinned.Pointer;
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(100_000)]
    public async Task A_result_outlives_its_store(int length)
    {
        await OpenAsync();
        await Store.PutBytesAsync(Key, Bytes(length));
        await using BlobReadResult? read = await Store.ReadAsync(Key);
        await CloseAsync();
        Assert.Equal(Bytes(length), await read!.ToArrayAsync());
    }

    [Fact]
    public async Task A_result_that_was_forgotten_does_not_keep_a_segment_for_ever()
    {
        await OpenAsync(segmentBytes: 256 << 10, durability: DiskDurability.OperatingSystem);
        await Store.PutBytesAsync(Key, Bytes(100_000));
        await ForgetAsync();
        for (int i = 0; i < 30; i++) await Store.PutBytesAsync(Key, Bytes(100_000, 2 + i));
        await Eventually.HoldsAsync(() => Store.GetLogStatistics().Compactions > 0, "there is nothing to show: no segment was let go");
        await Eventually.HoldsAsync(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return Store.GetLogStatistics().UnlinkedSegments == 0;
            },
            "the space of a segment whose reader was forgotten never comes back");
        await AssertHoldsAsync(Bytes(100_000, 31));

        async Task ForgetAsync() => Assert.NotNull(await Store.ReadAsync(Key));
    }

    [Fact]
    public async Task A_short_result_holds_nothing_of_the_log_and_gives_its_buffer_back_once()
    {
        var pool = new SpoilingPool();
        await using DiskBlobStore store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = Folder }, StoreContext.Default with { Buffers = pool });
        await store.PutBytesAsync(Key, Bytes(1_000));
        int before = pool.Lent;
        BlobReadResult read = (await store.ReadAsync(Key))!;
        Assert.Equal(before + 1, pool.Lent);
        Assert.Equal(Bytes(1_000), await read.ToArrayAsync());
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () => await read.DisposeAsync())));
        Assert.Equal(before, pool.Lent);
    }

    [Theory]
    [InlineData(DiskDurability.Interval)]
    [InlineData(DiskDurability.OperatingSystem)]
    public async Task What_was_written_without_a_flush_is_there_after_a_restart(DiskDurability durability)
    {
        await OpenAsync(durability: durability);
        await Store.PutBytesAsync(Key, Bytes(2 << 20));
        for (int i = 0; i < 100; i++) await Store.PutBytesAsync(KeyOf(i), Bytes(1_000, i));
        await Store.PutBytesAsync(Key, Bytes(3 << 20, 2));
        Assert.Equal(2, FilesInUse);
        await OpenAsync(durability: durability);
        Assert.Equal(1, FilesInUse);
        await AssertHoldsAsync(Bytes(3 << 20, 2));
        for (int i = 0; i < 100; i++) await AssertHoldsAsync(KeyOf(i), Bytes(1_000, i));
    }

    [Fact]
    public async Task Files_that_wait_for_a_flush_are_given_free_by_the_sweep_and_before_they_are_too_many()
    {
        await OpenAsync(durability: DiskDurability.OperatingSystem);
        for (int i = 0; i < 5; i++) await Store.PutBytesAsync(Key, Bytes(2 << 20, i));
        Assert.Equal(5, FilesInUse);
        Clock.Advance(TimeSpan.FromMinutes(1));
        await Eventually.HoldsAsync(() => FilesInUse == 1, "files that no blob names stay until the store is closed");
        for (int i = 0; i < 40; i++) await Store.PutBytesAsync(Key, Bytes(2 << 20, i));
        await Eventually.HoldsAsync(() => FilesInUse < 35, "they would fill the disk");
    }

    [Fact]
    public async Task A_prefix_that_is_no_valid_unicode_lists_what_begins_with_it()
    {
        await OpenAsync();
        foreach (string key in (string[])["a", "a/b", "aé", "b", "\uFFFD", "😀", "😀x", "😁"]) await Store.PutBytesAsync(BlobKey.Parse(key), Bytes(1));
        foreach ((string prefix, string expected) in new[] { ("\uD83D", "😀,😀x,😁"), ("a/\uDE00", ""), ("\uDE00", ""), ("a", "a,a/b,aé"), ("😀", "😀,😀x") })
        {
            ListPage page = await Store.ListPageAsync(new ListRequest { Prefix = prefix });
            Assert.Equal(expected, string.Join(',', page.Items.Select(i => i.Key.Value)));
        }

        ListPage after = await Store.ListPageAsync(new ListRequest { StartAfter = "\uD83D" });
        Assert.Equal(["😀", "😀x", "😁"], after.Items.Select(i => i.Key.Value));
        Assert.Equal(["\uFFFD", "😀", "😀x", "😁"], (await Store.ListPageAsync(new ListRequest { StartAfter = "b\uDE00" })).Items.Select(i => i.Key.Value));
    }

    [Fact]
    public async Task A_setting_out_of_its_range_is_named()
    {
        foreach ((DiskBlobStoreOptions options, string named) in new (DiskBlobStoreOptions, string)[]
        {
            (new() { Path = Folder, MaxBytes = 1 }, "MaxBytes"),
            (new() { Path = Folder, Evicts = true }, "MaxBytes"),
            (new() { Path = Folder, MaxIndexBytes = 1 }, "MaxIndexBytes"),
            (new() { Path = Folder, SyncInterval = TimeSpan.Zero }, "SyncInterval"),
            (new() { Path = Folder, CompactionBytesPerSecond = 0 }, "CompactionBytesPerSecond"),
            (new() { Path = Folder, UploadExpiry = TimeSpan.Zero }, "UploadExpiry"),
        })
        {
            ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(async () => await DiskBlobStore.OpenAsync(options));
            Assert.Contains(named, e.Message, StringComparison.Ordinal);
        }
    }
}
