using Xunit;

namespace Strata.Server.Tests;

public class PartSizesTests
{
    [Fact]
    public void Sizes_are_kept_as_runs_and_found_again()
    {
        long[] sizes = [.. Enumerable.Repeat(8L << 20, 9_998), 5, 0];
        Assert.Equal("8388608*9998,5,0", S3PartSizes.Format(sizes));
        S3PartSizes kept = S3PartSizes.Of(Info("8388608*9998,5,0", sizes.Sum()))!;
        Assert.Equal(10_000, kept.Count);
        long offset = 0;
        for (int number = 1; number <= sizes.Length; number++)
        {
            Assert.True(kept.TryFind(number, out long found, out long size));
            Assert.Equal((offset, sizes[number - 1]), (found, size));
            offset += size;
        }

        Assert.False(kept.TryFind(0, out _, out _));
        Assert.False(kept.TryFind(10_001, out _, out _));
    }

    [Fact]
    public void Sizes_of_too_much_variety_are_not_kept()
    {
        Assert.NotNull(S3PartSizes.Format(Enumerable.Range(0, 30).Select(i => (5L << 20) + i)));
        Assert.Null(S3PartSizes.Format(Enumerable.Range(0, 40).Select(i => (5L << 20) + i)));
    }

    /// <summary>Metadata can be written by other ways than S3; what is no list of sizes must not lead a read astray.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("10,")]
    [InlineData("5*2*1")]
    [InlineData("-1,11")]
    [InlineData("+10")]
    [InlineData("5*0,10")]
    [InlineData("5,5,5")]
    [InlineData("0*10000,0,10")]
    [InlineData("9223372036854775807*3,10")]
    [InlineData("9223372036854775807,9223372036854775807,12")]
    [InlineData("10*99999999999")]
    public void What_is_no_list_of_sizes_is_none(string text) => Assert.Null(S3PartSizes.Of(Info(text, 10)));

    private static BlobInfo Info(string parts, long length) =>
        new() { Key = BlobKey.Parse("k"), Length = length, ETag = "e", Metadata = new Dictionary<string, string> { ["s3:parts"] = parts } };
}
