using Xunit;

namespace Strata.Tests;

public sealed class BlobVersionTests
{
    private static readonly DateTimeOffset Moment = new(2026, 11, 20, 12, 34, 56, 789, TimeSpan.Zero);

    [Fact]
    public void A_version_tells_its_millisecond_and_sorts_as_its_text_does()
    {
        BlobVersion first = BlobVersion.At(Moment), next = first.Next(), later = BlobVersion.At(Moment + TimeSpan.FromMilliseconds(1));
        Assert.Equal(Moment, first.Time);
        Assert.Equal(Moment, next.Time);
        Assert.True(first < next && next < later && later >= next && first <= next && later > first);
        Assert.Equal([first, next, later], new[] { later.ToString(), first.ToString(), next.ToString() }.Order(StringComparer.Ordinal).Select(Parse));
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("00000000000000005")]
    [InlineData("000000000000000g")]
    [InlineData(null)]
    public void Other_texts_are_no_version(string? text)
    {
        Assert.False(BlobVersion.TryParse(text, out BlobVersion version));
        Assert.Equal(BlobVersion.None, version);
    }

    [Fact]
    public void None_is_not_known_and_time_before_1970_gives_none()
    {
        Assert.False(BlobVersion.None.IsKnown);
        Assert.False(BlobVersion.At(DateTimeOffset.UnixEpoch - TimeSpan.FromDays(1)).IsKnown);
    }

    [Fact]
    public void An_own_etag_is_not_taken_for_an_md5() => Assert.Contains('-', BlobVersion.At(Moment).ToETag());

    private static BlobVersion Parse(string text) => BlobVersion.TryParse(text, out BlobVersion version) ? version : throw new FormatException(text);
}
