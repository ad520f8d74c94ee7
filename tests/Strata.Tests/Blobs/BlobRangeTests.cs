using Xunit;

namespace Strata.Tests;

public sealed class BlobRangeTests
{
    [Theory]
    [InlineData(0, null, 10, 0, 10)]
    [InlineData(3, null, 10, 3, 7)]
    [InlineData(3, 2L, 10, 3, 2)]
    [InlineData(3, 100L, 10, 3, 7)]
    [InlineData(9, 1L, 10, 9, 1)]
    [InlineData(9, long.MaxValue, 10, 9, 1)]
    public void A_range_is_cut_at_the_end(long offset, long? length, long blob, long expectedOffset, long expectedLength)
    {
        Assert.True(BlobRange.From(offset, length).TryResolve(blob, out long from, out long count));
        Assert.Equal((expectedOffset, expectedLength), (from, count));
    }

    [Theory]
    [InlineData(1, 10, 9, 1)]
    [InlineData(10, 10, 0, 10)]
    [InlineData(11, 10, 0, 10)]
    [InlineData(long.MaxValue, 10, 0, 10)]
    public void The_last_bytes_are_at_most_the_whole(long length, long blob, long expectedOffset, long expectedLength)
    {
        Assert.True(BlobRange.Last(length).TryResolve(blob, out long from, out long count));
        Assert.Equal((expectedOffset, expectedLength), (from, count));
    }

    [Theory]
    [InlineData(10, 10)]
    [InlineData(11, 10)]
    [InlineData(0, 0)]
    [InlineData(long.MaxValue, 10)]
    public void A_range_without_a_byte_is_not_satisfiable(long offset, long blob) => Assert.False(BlobRange.From(offset).TryResolve(blob, out _, out _));

    [Fact]
    public void The_last_bytes_of_nothing_are_not_satisfiable() => Assert.False(BlobRange.Last(1).TryResolve(0, out _, out _));

    [Fact]
    public void A_range_that_cannot_be_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => BlobRange.From(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BlobRange.From(0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => BlobRange.From(0, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BlobRange.Last(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => BlobRange.Last(-1));
    }
}
