using System.Text;
using Xunit;

namespace Strata.Tests;

/// <summary>Values as people see them: whole where it is asked, and else no more than was asked, whatever the value is.</summary>
public sealed class KvValueTextTests
{
    [Theory]
    [InlineData(10, "\"abcdefgh\"", false)]
    [InlineData(9, "\"abcdefgh", true)]
    [InlineData(1, "\"", true)]
    public void A_text_is_cut_where_it_is_longer_than_asked(int most, string expected, bool isCut) =>
        Assert.Equal((expected, isCut), Cut(Js(V8Value.Of("abcdefgh")), most));

    [Fact]
    public void No_character_is_cut_in_two()
    {
        Assert.Equal(("a", true), Cut(KvValue.OfBytes(Encoding.UTF8.GetBytes("a😀b")), 2));
        Assert.Equal(("a😀", true), Cut(KvValue.OfBytes(Encoding.UTF8.GetBytes("a😀b")), 3));
    }

    [Fact]
    public void Bytes_are_text_if_they_can_be_read_and_digits_if_not()
    {
        Assert.Equal(("line\n\ttwo", false), Cut(KvValue.OfBytes("line\n\ttwo"u8.ToArray()), 100));
        Assert.Equal(("00ff", false), Cut(KvValue.OfBytes(new byte[] { 0, 255 }), 4));
        Assert.Equal(("00f", true), Cut(KvValue.OfBytes(new byte[] { 0, 255 }), 3));
        Assert.Equal(("000000", true), Cut(KvValue.OfBytes(new byte[1 << 20]), 6));
        Assert.Equal("1b5b326a", KvValueText.Show(KvValue.OfBytes("\e[2j"u8.ToArray())));
    }

    [Fact]
    public void A_value_that_refers_to_itself_again_and_again_costs_no_more_than_what_is_shown()
    {
        // Each array holds the one before it twice: 2 to the power of 90 elements to be shown.
        V8Value value = V8Value.Of(1.0);
        for (int i = 0; i < 90; i++) value = V8Value.OfArray(value, value);
        string text = V8Display.Of(value, 1_000);
        Assert.InRange(text.Length, 1_000, 1_200);
        Assert.Equal(1 << 20, V8Display.Of(V8Value.Of(new string('x', 2 << 20)), int.MaxValue).Length, 10.0);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nothing")]
    [InlineData("{\"a\":1")]
    [InlineData("1 2")]
    [InlineData("\"\\ud800\"")]
    public void What_is_no_JSON_is_told_as_that(string text) =>
        Assert.Contains("no JSON", Assert.Throws<FormatException>(() => KvValueText.FromJson(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void JSON_becomes_what_JavaScript_makes_of_it() =>
        Assert.Equal("""{"a": [1, null, true, "ä"], "b": {"c": -0.5}}""", KvValueText.FromJson("""{"a":[1,null,true,"\u00e4"],"b":{"c":-5e-1}}""").ToString());

    private static KvValue Js(V8Value value) => new(value.ToBytes(), KvEncoding.V8);

    private static (string Text, bool IsCut) Cut(KvValue value, int most)
    {
        string text = KvValueText.Show(value, most, out bool isCut);
        return (text, isCut);
    }
}
