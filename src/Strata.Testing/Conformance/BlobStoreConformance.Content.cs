using System.Buffers;
using Xunit;

namespace Strata.Testing;

/// <content>Bytes in, the same bytes out.</content>
public abstract partial class BlobStoreConformance
{
    [Fact]
    public async Task A_missing_blob_is_null_and_never_an_exception()
    {
        await AssertMissingAsync("missing");
        Assert.Null(await Store.ReadAsync(Key("missing"), new ReadOptions { IfMatch = "*", Range = BlobRange.From(5) }));
        Assert.Equal(DeleteStatus.Missing, (await Store.DeleteAsync(Key("missing"))).Status);
        Assert.Equal(WriteStatus.Missing, (await Store.UpdateAsync(Key("missing"), new BlobChanges { ContentType = "text/plain" })).Status);
        Assert.Equal(WriteStatus.Missing, (await Store.CopyAsync(Key("missing"), Key("target"))).Status);
    }

    [Fact]
    public async Task What_was_written_is_read()
    {
        byte[] bytes = Bytes(1000);
        WriteResult written = await Store.PutBytesAsync(Key("dir/blob"), bytes);

        Assert.True(written.IsWritten);
        Assert.NotEmpty(written.Tiers);
        await using BlobReadResult? read = await Store.ReadAsync(Key("dir/blob"));
        Assert.NotNull(read);
        Assert.Equal(BlobReadStatus.Found, read.Status);
        Assert.Equal((0, 1000), (read.Offset, read.Length));
        Assert.NotEmpty(read.Source);
        Assert.Equal(bytes, await read.ToArrayAsync());
        await AssertHoldsAsync("dir/blob", bytes);
        Assert.Equal(["dir/blob"], await KeysAsync());
    }

    [Fact]
    public async Task Stat_read_list_and_the_result_of_a_write_describe_the_same_blob()
    {
        byte[] bytes = Bytes(77);
        BlobInfo written = await PutAsync("a", bytes, new WriteOptions { ContentType = "text/plain", Metadata = new Dictionary<string, string> { ["x"] = "1" } });

        Assert.Equal(Key("a"), written.Key);
        Assert.Equal(77, written.Length);
        Assert.NotEmpty(written.ETag);
        Assert.DoesNotContain('"', written.ETag);
        Assert.Equal(Clock.GetUtcNow(), written.Created);
        Assert.Equal(Clock.GetUtcNow(), written.Modified);
        Assert.True(written.Checksum is null || written.Checksum == Crc32C.Of(bytes));
        AssertSame(written, await StatAsync("a"));
        await using BlobReadResult? read = await Store.ReadAsync(Key("a"));
        AssertSame(written, read!.Info);
        ListPage page = await Store.ListPageAsync(new ListRequest());
        AssertSame(written, Assert.Single(page.Items));
    }

    [Fact]
    public async Task An_empty_blob_is_a_blob()
    {
        await PutAsync("empty", []);

        await AssertHoldsAsync("empty", []);
        AssertBytes([], await Store.GetBytesAsync(Key("empty")));
        Assert.Equal(["empty"], await KeysAsync());
        Assert.True(await Store.ExistsAsync(Key("empty")));
        await Store.WriteAsync(Key("empty too"), BlobContent.FromStream(new MemoryStream()));
        await AssertHoldsAsync("empty too", []);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_large_blob_goes_in_and_out_as_a_stream(bool declaresLength)
    {
        byte[] bytes = Bytes(UpTo((5 << 20) + 1));
        WriteResult result = await Store.WriteAsync(Key("large"), BlobContent.FromStream(new MemoryStream(bytes), declaresLength ? bytes.Length : null));

        Assert.True(result.IsWritten);
        Assert.Equal(bytes.Length, result.Info!.Length);
        await AssertHoldsAsync("large", bytes);
        await using BlobReadResult? read = await Store.ReadAsync(Key("large"));
        using var copied = new MemoryStream();
        await read!.CopyToAsync(copied);
        AssertBytes(bytes, copied.ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(65_537)]
    [InlineData(300_000)]
    public async Task Blobs_of_many_lengths_keep_their_bytes(int length)
    {
        byte[] bytes = Bytes(UpTo(length));
        await PutAsync("memory", bytes);
        await Store.WriteAsync(Key("sequence"), BlobContent.From(Segmented(bytes)));
        await Store.WriteAsync(Key("stream"), BlobContent.FromStream(new HookedStream(new MemoryStream(bytes), limit: asked => Math.Min(asked, 997)), bytes.Length));

        await AssertHoldsAsync("memory", bytes);
        await AssertHoldsAsync("sequence", bytes);
        await AssertHoldsAsync("stream", bytes);
    }

    [Fact]
    public async Task A_blob_that_was_read_can_be_written_again()
    {
        byte[] bytes = Bytes(70_000);
        await PutAsync("from", bytes);
        await using (BlobReadResult? read = await Store.ReadAsync(Key("from")))
        {
            await Store.WriteAsync(Key("to"), BlobContent.From(read!));
        }

        await AssertHoldsAsync("to", bytes);
    }

    [Fact]
    public async Task A_caller_may_reuse_its_memory_after_a_write()
    {
        byte[] bytes = Bytes(10_000), buffer = [.. bytes];
        await Store.PutBytesAsync(Key("written"), buffer);
        Array.Fill(buffer, (byte)0xEE);
        await AssertHoldsAsync("written", bytes);

        bytes.CopyTo(buffer, 0);
        await using (IBlobWriter writer = await Store.OpenWriterAsync(Key("streamed")))
        {
            await writer.WriteAsync(buffer, CancellationToken.None);
            Array.Fill(buffer, (byte)0xEE);
            await writer.CommitAsync(null, CancellationToken.None);
        }

        await AssertHoldsAsync("streamed", bytes);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(1 << 20)]
    public async Task A_read_result_keeps_its_bytes_while_the_key_is_overwritten_and_deleted(int length)
    {
        byte[] old = Bytes(UpTo(length), 1);
        BlobInfo info = await PutAsync("a", old);
        await using BlobReadResult? read = await Store.ReadAsync(Key("a"));
        await using BlobReadResult? late = await Store.ReadAsync(Key("a"));
        await using Stream stream = read!.OpenStream();
        byte[] seen = new byte[old.Length];
        await stream.ReadExactlyAsync(seen.AsMemory(0, 100));

        await PutAsync("a", Bytes(UpTo(length), 2));
        await Store.DeleteAsync(Key("a"));
        await PutAsync("a", Bytes(30, 3));

        await stream.ReadExactlyAsync(seen.AsMemory(100));
        AssertBytes(old, seen);
        AssertBytes(old, await DrainAsync(late!));
        Assert.Equal(info.ETag, read.Info.ETag);
    }

    [Fact]
    public async Task A_second_stream_of_a_result_is_whole_or_refused()
    {
        byte[] bytes = Bytes(5000);
        await PutAsync("a", bytes);
        await using BlobReadResult? read = await Store.ReadAsync(Key("a"));
        Assert.Equal(bytes, await DrainAsync(read!));
        try
        {
            Assert.Equal(bytes, await DrainAsync(read!));
        }
        catch (InvalidOperationException)
        {
            // A store that reads a file or a network gives one stream a read.
        }
    }

    [Fact]
    public async Task A_result_may_be_disposed_twice_or_unread()
    {
        await PutAsync("a", Bytes(5000));
        BlobReadResult? read = await Store.ReadAsync(Key("a"));
        await read!.DisposeAsync();
        await read.DisposeAsync();
        await AssertHoldsAsync("a", Bytes(5000));
    }

    [Fact]
    public async Task An_overwrite_replaces_bytes_and_metadata_whole()
    {
        await PutAsync("a", Bytes(9000, 1), new WriteOptions
        {
            ContentType = "text/plain", ContentEncoding = "gzip", Metadata = new Dictionary<string, string> { ["x"] = "1" }, ETag = "given",
        });
        await PutAsync("a", Bytes(20, 2));

        await AssertHoldsAsync("a", Bytes(20, 2));
        BlobInfo info = await StatAsync("a");
        Assert.Null(info.ContentType);
        Assert.Null(info.ContentEncoding);
        Assert.Empty(info.Metadata);
        Assert.NotEqual("given", info.ETag);
    }

    [Fact]
    public async Task The_shared_facet_answers_as_a_read_does()
    {
        if (!Store.TryGetFacet(out ISharedReads? shared)) return; // Not every store holds its blobs in memory.
        await PutAsync("a", Bytes(50, 1));
        await ReadAsync("a");
        if (shared.TryRead(Key("a"), out BlobReadResult? hit))
        {
            Assert.True(hit.TryGetSequence(out ReadOnlySequence<byte> bytes));
            Assert.Equal(Bytes(50, 1), bytes.ToArray());
        }

        await PutAsync("a", Bytes(60, 2));
        if (shared.TryRead(Key("a"), out hit)) Assert.Equal(Bytes(60, 2), await DrainAsync(hit));
        await Store.DeleteAsync(Key("a"));
        Assert.False(shared.TryRead(Key("a"), out _));
    }

    /// <summary>Equal in all but tier and use, which may differ by where a blob was found, and when.</summary>
    private static void AssertSame(BlobInfo expected, BlobInfo actual)
    {
        Assert.Equal(Comparable(expected), Comparable(actual));
        Assert.Equal(expected.Metadata.OrderBy(p => p.Key), actual.Metadata.OrderBy(p => p.Key));

        static BlobInfo Comparable(BlobInfo info) => info with { Tier = null, AccessCount = null, LastAccess = null, Metadata = BlobInfo.NoMetadata };
    }
}
