using System.Buffers.Text;
using Xunit;

namespace Strata.Tests;

public sealed class ListTokenTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("dir/sub/")]
    [InlineData("日本/😀\uFFFF")]
    public void A_token_tells_the_last_key(string last)
    {
        var request = new ListRequest { Prefix = last[..1], Delimiter = "/" };
        string token = ListToken.Encode(last, request);
        Assert.Equal(last, ListToken.Decode(token, request));
        Assert.Equal(last, (request with { Token = token, Limit = 7, StartAfter = "zzz" }).Position());
        Assert.Equal(token, Uri.EscapeDataString(token));
    }

    [Fact]
    public void A_token_of_another_request_is_refused()
    {
        string token = ListToken.Encode("a/b", new ListRequest { Prefix = "a", Delimiter = "/" });
        foreach (ListRequest other in (ListRequest[])[new(), new() { Prefix = "a" }, new() { Delimiter = "/" }, new() { Prefix = "b", Delimiter = "/" }, new() { Prefix = "a", Delimiter = "//" }])
            Assert.Throws<ArgumentException>(() => ListToken.Decode(token, other));
    }

    [Fact]
    public void Every_single_damaged_bit_is_noticed()
    {
        var request = new ListRequest { Prefix = "a" };
        byte[] token = Base64Url.DecodeFromChars(ListToken.Encode("a/some/key", request));
        for (int bit = 0; bit < token.Length * 8; bit++)
        {
            byte[] damaged = [.. token];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<ArgumentException>(() => ListToken.Decode(Base64Url.EncodeToString(damaged), request));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("AQ")]
    [InlineData("not base 64!")]
    [InlineData("AAAAAAAAAAAA")]
    public void Nonsense_is_refused(string token) => Assert.Throws<ArgumentException>(() => ListToken.Decode(token, new ListRequest()));

    [Fact]
    public void A_request_checks_its_fields()
    {
        new ListRequest { Limit = 1 }.Validate();
        new ListRequest { Limit = ListRequest.MaxLimit, Prefix = "p", Delimiter = "/", StartAfter = "" }.Validate();
        Assert.Throws<ArgumentException>(() => new ListRequest { Limit = 0 }.Validate());
        Assert.Throws<ArgumentException>(() => new ListRequest { Limit = ListRequest.MaxLimit + 1 }.Validate());
        Assert.Throws<ArgumentException>(() => new ListRequest { Delimiter = "" }.Validate());
        Assert.Throws<ArgumentException>(() => new ListRequest { Token = "x" }.Validate());
        Assert.Throws<ArgumentNullException>(() => new ListRequest { Prefix = null! }.Validate());
    }
}
