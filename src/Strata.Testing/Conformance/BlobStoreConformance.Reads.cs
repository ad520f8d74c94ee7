using Xunit;

namespace Strata.Testing;

/// <content>Ranges and conditional reads.</content>
public abstract partial class BlobStoreConformance
{
    private const int RangedLength = 100_003; // ragged: no multiple of any block

    [Theory]
    [InlineData(0, null)]
    [InlineData(0, 1L)]
    [InlineData(0, 100_003L)]
    [InlineData(0, 100_004L)]
    [InlineData(1, 1L)]
    [InlineData(4095, 2L)]
    [InlineData(65_535, 3L)]
    [InlineData(65_536, 32_768L)]
    [InlineData(99_999, null)]
    [InlineData(100_002, null)]
    [InlineData(100_002, 1L)]
    [InlineData(100_002, long.MaxValue)]
    [InlineData(50_000, 4_000_000_000L)]
    public Task A_range_from_an_offset_serves_those_bytes(int offset, long? length) =>
        AssertRangeAsync(BlobRange.From(offset, length), offset, (int)Math.Min(length ?? long.MaxValue, RangedLength - offset));

    [Theory]
    [InlineData(1L)]
    [InlineData(3L)]
    [InlineData(65_537L)]
    [InlineData(100_003L)]
    [InlineData(100_004L)]
    [InlineData(long.MaxValue)]
    public Task A_range_of_the_last_bytes_serves_those(long length) =>
        AssertRangeAsync(BlobRange.Last(length), (int)Math.Max(0, RangedLength - length), (int)Math.Min(length, RangedLength));

    [Theory]
    [InlineData(100_003, null)]
    [InlineData(100_003, 1L)]
    [InlineData(long.MaxValue, 5L)]
    public async Task A_range_behind_the_end_is_not_satisfiable(long offset, long? length)
    {
        await PutAsync("a", Bytes(RangedLength));
        await AssertNoBytesAsync(BlobReadStatus.RangeNotSatisfiable, new ReadOptions { Range = BlobRange.From(offset, length) });
    }

    [Fact]
    public async Task No_range_of_an_empty_blob_is_satisfiable()
    {
        await PutAsync("a", []);
        await AssertNoBytesAsync(BlobReadStatus.RangeNotSatisfiable, new ReadOptions { Range = BlobRange.From(0) });
        await AssertNoBytesAsync(BlobReadStatus.RangeNotSatisfiable, new ReadOptions { Range = BlobRange.Last(1) });
    }

    [Fact]
    public async Task A_thousand_ranges_put_together_are_the_blob()
    {
        byte[] bytes = Bytes(RangedLength);
        await PutAsync("a", bytes);
        using var together = new MemoryStream();
        for (int offset = 0; offset < RangedLength; offset += 997)
        {
            await using BlobReadResult? part = await Store.ReadAsync(Key("a"), new ReadOptions { Range = BlobRange.From(offset, 997) });
            Assert.Equal(offset, part!.Offset);
            await part.CopyToAsync(together);
        }

        AssertBytes(bytes, together.ToArray());
    }

    [Fact]
    public async Task Conditional_reads_compare_the_etag()
    {
        BlobInfo info = await PutAsync("a");
        string old = info.ETag;
        await AssertFoundAsync(new ReadOptions { IfMatch = old });
        await AssertFoundAsync(new ReadOptions { IfMatch = "*" });
        await AssertFoundAsync(new ReadOptions { IfNoneMatch = "other" });
        await AssertNoBytesAsync(BlobReadStatus.NotModified, new ReadOptions { IfNoneMatch = old });
        await AssertNoBytesAsync(BlobReadStatus.NotModified, new ReadOptions { IfNoneMatch = "*" });
        await AssertNoBytesAsync(BlobReadStatus.PreconditionFailed, new ReadOptions { IfMatch = "other" });
        await AssertNoBytesAsync(BlobReadStatus.PreconditionFailed, new ReadOptions { IfMatch = "other", IfNoneMatch = old });
        await AssertNoBytesAsync(BlobReadStatus.PreconditionFailed, new ReadOptions { IfMatch = "other", Range = BlobRange.From(RangedLength) });

        await PutAsync("a", seed: 2);
        await AssertFoundAsync(new ReadOptions { IfNoneMatch = old });
        await AssertNoBytesAsync(BlobReadStatus.PreconditionFailed, new ReadOptions { IfMatch = old });
    }

    [Fact]
    public async Task Conditions_and_a_range_go_together()
    {
        BlobInfo info = await PutAsync("a", Bytes(100));
        await using BlobReadResult? part = await Store.ReadAsync(Key("a"), new ReadOptions { IfMatch = info.ETag, Range = BlobRange.From(10, 5) });
        Assert.Equal(Bytes(100)[10..15], await part!.ToArrayAsync());
        await AssertNoBytesAsync(BlobReadStatus.NotModified, new ReadOptions { IfNoneMatch = info.ETag, Range = BlobRange.From(10, 5) });
    }

    [Fact]
    public async Task The_origin_serves_what_was_acknowledged()
    {
        byte[] bytes = Bytes(5000);
        await PutAsync("a", bytes);
        await using BlobReadResult? read = await Store.ReadAsync(Key("a"), new ReadOptions { Consistency = ReadConsistency.Origin });
        Assert.Equal(bytes, await DrainAsync(read!));
        await using BlobReadResult? part = await Store.ReadAsync(Key("a"), new ReadOptions { Consistency = ReadConsistency.Origin, Range = BlobRange.Last(10) });
        Assert.Equal(bytes[^10..], await DrainAsync(part!));
    }

    private async Task AssertRangeAsync(BlobRange range, int offset, int length)
    {
        byte[] bytes = Bytes(RangedLength);
        await PutAsync("a", bytes);

        // Twice: the first read may have brought the blob to a faster tier, which must serve the same.
        for (int i = 0; i < 2; i++)
        {
            await using BlobReadResult? read = await Store.ReadAsync(Key("a"), new ReadOptions { Range = range });
            Assert.Equal(BlobReadStatus.Found, read!.Status);
            Assert.Equal((offset, length), (read.Offset, read.Length));
            Assert.Equal(RangedLength, read.Info.Length);
            AssertBytes(bytes[offset..(offset + length)], await DrainAsync(read));
            await AssertHoldsAsync("a", bytes);
        }
    }

    private async Task AssertFoundAsync(ReadOptions options)
    {
        await using BlobReadResult? read = await Store.ReadAsync(Key("a"), options);
        Assert.Equal(BlobReadStatus.Found, read!.Status);
        Assert.Equal(read.Info.Length, (await DrainAsync(read)).Length);
    }

    private async Task AssertNoBytesAsync(BlobReadStatus status, ReadOptions options)
    {
        await using BlobReadResult? read = await Store.ReadAsync(Key("a"), options);
        Assert.NotNull(read);
        Assert.Equal(status, read.Status);
        Assert.Equal(0, read.Length);
        Assert.Equal((await StatAsync("a")).ETag, read.Info.ETag);
        Assert.Empty(await DrainAsync(read));
    }
}
