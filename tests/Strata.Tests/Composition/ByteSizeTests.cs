using Xunit;

namespace Strata.Tests;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1500", 1500)]
    [InlineData(" 1500 ", 1500)]
    [InlineData("12B", 12)]
    [InlineData("64KiB", 64L << 10)]
    [InlineData("64 kib", 64L << 10)]
    [InlineData("256MiB", 256L << 20)]
    [InlineData("20GiB", 20L << 30)]
    [InlineData("1.5GB", 1_500_000_000)]
    [InlineData("0.5KiB", 512)]
    [InlineData("2TiB", 2L << 40)]
    [InlineData("3TB", 3_000_000_000_000)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void A_size_is_parsed(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out long parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("MiB")]
    [InlineData("-1")]
    [InlineData("1,5GB")]
    [InlineData("1e9")]
    [InlineData("12XB")]
    [InlineData("12 34")]
    [InlineData("9223372036854775808")]
    [InlineData("9000000TiB")]
    [InlineData("99999999999999999999999999999999999")]
    public void What_is_no_size_is_refused(string? text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1 KiB")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(1L << 20, "1 MiB")]
    [InlineData((1L << 20) - 1, "1 MiB")]
    [InlineData(5L << 30, "5 GiB")]
    [InlineData(long.MaxValue, "8192 PiB")]
    [InlineData(-2048, "-2 KiB")]
    public void A_size_is_written_shortly(long bytes, string text) => Assert.Equal(text, ByteSize.Format(bytes));
}
