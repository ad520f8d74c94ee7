using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>A blob whose payload is in files of its own: who reads it is never disturbed, and its files go when nobody needs them.</summary>
public sealed class DiskLargeBlobTests : DiskFixture
{
    private static readonly byte[][] Parts = [Bytes(100_000, 1), Bytes(1, 2), [], Bytes(150_000, 3)];
    private static readonly byte[] Large = Bytes((2 << 20) + 77, 4);

    private static byte[] Whole => [.. Parts.SelectMany(p => p)];

    [Theory]
    [InlineData("delete", false)]
    [InlineData("overwrite", false)]
    [InlineData("complete", false)]
    [InlineData("update, delete", false)]
    [InlineData("expire", false)]
    [InlineData("delete", true)]
    [InlineData("overwrite", true)]
    [InlineData("complete", true)]
    public async Task A_reader_in_mid_stream_reads_on_and_the_files_go_when_the_last_reader_has_gone(string how, bool isOneFile)
    {
        await OpenAsync();
        byte[] expected = isOneFile ? Large : Whole;
        if (isOneFile) await Store.PutBytesAsync(Key, Large);
        else await ComposeAsync(Parts);
        int files = FilesInUse;
        BlobReadResult reading = (await Store.ReadAsync(Key))!, waiting = (await Store.ReadAsync(Key))!;
        await using (Stream stream = reading.OpenStream())
        {
            byte[] read = new byte[expected.Length];
            await stream.ReadExactlyAsync(read.AsMemory(0, 50_000));
            if (how == "overwrite") await Store.PutBytesAsync(Key, Bytes(10));
            if (how == "complete") await ComposeAsync(Bytes(10));
            if (how.StartsWith("update", StringComparison.Ordinal)) await Store.UpdateAsync(Key, new BlobChanges { ContentType = "text/new" });
            if (how.EndsWith("delete", StringComparison.Ordinal)) await Store.DeleteAsync(Key);
            if (how == "expire") await ExpireAsync();
            Assert.Equal(files, FilesRetired);

            // Were they recycled, this would be what is read.
            await Store.PutBytesAsync(BlobKey.Parse("other"), Bytes((2 << 20) + 9, 99));
            await stream.ReadExactlyAsync(read.AsMemory(50_000));
            Assert.True(expected.AsSpan().SequenceEqual(read), "the bytes went under their reader");
            Assert.Equal(0, await stream.ReadAsync(read));
        }

        await reading.DisposeAsync();
        Assert.Equal(files, FilesRetired);
        await using (Stream stream = waiting.OpenStream())
        {
            using var copy = new MemoryStream();
            await stream.CopyToAsync(copy);
            Assert.True(expected.AsSpan().SequenceEqual(copy.ToArray()), "the bytes went under a reader that had not begun");
        }

        await waiting.DisposeAsync();
        await waiting.DisposeAsync();
        Assert.Equal(0, FilesRetired);
        Assert.Equal(how == "complete" ? 2 : 1, FilesInUse);
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
        await OpenAsync();
        Assert.Equal(0, FilesInUse);
        Assert.Null(await Store.StatAsync(Key));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task New_metadata_moves_no_payload(bool isOneFile)
    {
        await OpenAsync();
        if (isOneFile) await Store.PutBytesAsync(Key, Large);
        else await ComposeAsync(Parts);
        BlobInfo first = (await Store.StatAsync(Key))!;
        (long used, int files) = (Store.GetLogStatistics().UsedBytes, FilesInUse);
        for (int i = 0; i < 3; i++)
        {
            WriteResult updated = await Store.UpdateAsync(Key, new BlobChanges { MetadataEdits = new Dictionary<string, string?> { [$"tag{i}"] = "x" }, KeepsETag = true });
            Assert.Equal((first.ETag, first.Length, first.Checksum, i + 1), (updated.Info!.ETag, updated.Info.Length, updated.Info.Checksum, updated.Info.Metadata.Count));
            Assert.True(updated.Info.Version > first.Version, "an update has a new version");
        }

        Assert.InRange(Store.GetLogStatistics().UsedBytes - used, 1, 1_000);
        Assert.Equal(files, FilesInUse);
        await AssertBooksAsync("after the updates");
        Assert.Equal(3, (await Store.StatAsync(Key))!.Metadata.Count);
        await AssertHoldsAsync(isOneFile ? Large : Whole);
    }

    [Fact]
    public async Task New_metadata_of_a_payload_in_the_log_moves_none_of_it_either()
    {
        await OpenAsync();
        await Store.PutBytesAsync(Key, Bytes(500_000));
        long used = Store.GetLogStatistics().UsedBytes;
        await Store.UpdateAsync(Key, new BlobChanges { ContentType = "text/new" });
        await Store.UpdateAsync(Key, new BlobChanges { ContentType = "text/newer" });
        Assert.InRange(Store.GetLogStatistics().UsedBytes - used, 1, 1_000);
        await AssertHoldsAsync(Bytes(500_000));
        await AssertBooksAsync("after the updates");
        await AssertHoldsAsync(Bytes(500_000));
    }

    [Fact]
    public async Task An_update_that_is_refused_leaves_the_blob_and_its_parts()
    {
        await OpenAsync();
        await ComposeAsync(Parts);
        Assert.Equal(WriteStatus.PreconditionFailed, (await Store.UpdateAsync(Key, new BlobChanges { ContentType = "x" }, WriteCondition.IfMatch("other"))).Status);
        await Store.UpdateAsync(Key, new BlobChanges { MetadataEdits = new Dictionary<string, string?> { ["n0"] = new('x', 5000) } });
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.UpdateAsync(Key, new BlobChanges { MetadataEdits = new Dictionary<string, string?> { ["n1"] = new('x', 5000) } }));
        await AssertHoldsAsync(Whole);
        await Store.DeleteAsync(Key);
        Assert.Equal(0, FilesInUse);
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
        await AssertBooksAsync("after the completion");
        await AssertHoldsAsync([]);
    }

    [Fact]
    public async Task Readers_updates_and_deletes_at_once_leave_no_file_behind()
    {
        await OpenAsync(durability: DiskDurability.OperatingSystem);
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
            Assert.Equal(0, Store.GetStatistics().Bytes);
        }

        await OpenAsync();
        Assert.Equal(0, FilesInUse);
    }

    [Fact]
    public async Task A_large_write_that_is_refused_or_given_up_leaves_no_file()
    {
        await OpenAsync();
        await Store.PutBytesAsync(Key, Bytes(10));
        Assert.Equal(WriteStatus.PreconditionFailed, (await Store.PutBytesAsync(Key, Large, new WriteOptions { Condition = WriteCondition.IfAbsent })).Status);
        await Assert.ThrowsAsync<StorageException>(async () => await Store.PutBytesAsync(Key, Large, new WriteOptions { Checksum = 1 }));
        await using (IBlobWriter writer = await Store.OpenWriterAsync(Key)) await writer.WriteAsync(Large, CancellationToken.None);
        Assert.Equal((0, 0), (FilesInUse, FilesRetired));
        await AssertHoldsAsync(Bytes(10));
        await AssertBooksAsync("after the refusals");
    }

    [Theory]
    [InlineData(DiskPayload.MaxWhole)]
    [InlineData(DiskPayload.MaxWhole + 1)]
    [InlineData(32 << 10)]
    [InlineData((32 << 10) + 1)]
    [InlineData(DiskPayload.MaxInLog)]
    [InlineData(DiskPayload.MaxInLog + 1)]
    public async Task A_length_at_the_edge_of_each_way_of_keeping_is_kept_and_replaced_by_each_other(int length)
    {
        foreach (bool mapReads in (bool[])[true, false])
        {
            await OpenAsync(mapReads: mapReads);
            foreach (int other in (int[])[10, 5_000, 100_000, DiskPayload.MaxInLog + 100])
            {
                await Store.PutBytesAsync(Key, Bytes(length));
                await AssertHoldsAsync(Bytes(length));
                await Store.CopyAsync(Key, BlobKey.Parse("copy"));
                await AssertHoldsAsync(BlobKey.Parse("copy"), Bytes(length));
                await Store.PutBytesAsync(Key, Bytes(other, 2));
                await AssertHoldsAsync(Bytes(other, 2));
                await AssertBooksAsync($"{length} replaced by {other}");
                await AssertHoldsAsync(Bytes(other, 2));
            }
        }
    }

    private static void CopyAtOnce(Stream stream, MemoryStream copy)
    {
        byte[] buffer = new byte[7000];
        while (stream.Read(buffer) is > 0 and var read) copy.Write(buffer, 0, read);
    }

    private async Task ExpireAsync()
    {
        await Store.UpdateAsync(Key, new BlobChanges { Expires = Clock.GetUtcNow().AddSeconds(30) });
        Clock.Advance(TimeSpan.FromMinutes(1));
        await Eventually.HoldsAsync(() => Store.GetStatistics().Expirations == 1, "the sweep never came");
    }
}
