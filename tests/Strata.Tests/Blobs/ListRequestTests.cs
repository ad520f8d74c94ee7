using Xunit;

namespace Strata.Tests;

/// <summary>A request that no listing can answer is refused before it begins.</summary>
public sealed class ListRequestTests
{
    [Fact]
    public void A_delimiter_that_is_no_text_is_refused()
    {
        // Not as attributes: those are kept in UTF-8, which has no lone surrogates.
        foreach (string delimiter in (string[])["", "\uD83D", "a\uDE00", "\uDE00\uD83D"])
            Assert.Throws<ArgumentException>(() => new ListRequest { Delimiter = delimiter }.Validate());
    }

    [Theory]
    [InlineData("/")]
    [InlineData("\U0001F600")]
    [InlineData("\uFFFD")]
    public void Any_other_text_is_a_delimiter(string delimiter) => new ListRequest { Delimiter = delimiter }.Validate();

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(ListRequest.MaxLimit + 1)]
    public void A_limit_out_of_range_is_refused_and_0_does_not_mean_all(int limit) =>
        Assert.Throws<ArgumentException>(() => new ListRequest { Limit = limit }.Validate());
}
