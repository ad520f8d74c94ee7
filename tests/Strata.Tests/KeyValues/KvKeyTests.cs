using System.Numerics;
using Xunit;

namespace Strata.Tests;

public sealed class KvKeyTests
{
    public static TheoryData<KvKey, string, string> Encoded => new()
    {
        { ["users", 42], "0275736572730015 2a", """["users",{"int":42}]""" },
        { ["users", 42.0], "02757365727300 21c045000000000000", """["users",42]""" },
        { ["a\0b"], "026100ff6200", """["a\u0000b"]""" },
        { [new byte[] { 0, 0xFF }], "0100ffff00", """[{"bytes":"00ff"}]""" },
        { [true, false], "2726", "[true,false]" },
        { [0L, -1, 255, 256, -256], "14 13fe 15ff 160100 12feff", """[{"int":0},{"int":-1},{"int":255},{"int":256},{"int":-256}]""" },
        { [ulong.MaxValue, long.MinValue], "1cffffffffffffffff 0c7fffffffffffffff", """[{"int":18446744073709551615},{"int":-9223372036854775808}]""" },
        { [BigInteger.Pow(2, 64), -BigInteger.Pow(2, 64)], "1d09010000000000000000 0bf6feffffffffffffffff", """[{"int":18446744073709551616},{"int":-18446744073709551616}]""" },
        { [0.0, -0.0, double.NaN], "218000000000000000 217fffffffffffffff 21fff8000000000000", """[0,-0,{"number":"NaN"}]""" },
        { [double.NegativeInfinity, double.PositiveInfinity], "21000fffffffffffff 21fff0000000000000", """[{"number":"-Infinity"},{"number":"Infinity"}]""" },
        { [KvKey.OfEncoded(Convert.FromHexString("210007ffffffffffff"))[0]], "210007ffffffffffff", """[{"number":"-NaN"}]""" },
        { ["é😀\""], "02c3a9f09f98802200", """["é😀\""]""" },
        { [], "", "[]" },
    };

    public static TheoryData<string, string> NoKeys => new()
    {
        { "", "JSON" },
        { "users", "JSON" },
        { "{}", "does not begin with '['" },
        { "[1", "JSON" },
        { "[1] 2", "invalid" },
        { "[null]", "not null" },
        { "[[1]]", "not [" },
        { "[{}]", "{\"int\":42}" },
        { "[{\"int\":1.5}]", "no integer" },
        { "[{\"int\":\"0x1\"}]", "no integer" },
        { "[{\"int\":1,\"bytes\":\"\"}]", "one property" },
        { "[{\"bytes\":\"0\"}]", "hex" },
        { "[{\"number\":\"1\"}]", "{\"int\":42}" },
        { "[1e999]", "too great" },
        { "[\"\\ud800\"]", "UTF-16" },
        { $"[{{\"int\":{new string('9', 621)}}}]", "at most 255 bytes" },
        { $"[\"{new string('a', 70_000)}\"]", "more than 65536 characters" },
    };

    [Theory]
    [MemberData(nameof(Encoded), DisableDiscoveryEnumeration = true)]
    public void A_key_has_Denos_bytes_and_a_text_that_reads_back(KvKey key, string hex, string text)
    {
        Assert.Equal(hex.Replace(" ", "", StringComparison.Ordinal), Convert.ToHexStringLower(key.Encoded.Span));
        Assert.Equal(text, key.ToString());
        Assert.Equal(key.Encoded.ToArray(), KvKey.Parse(text).Encoded.ToArray());
        Assert.True(key.IsTuple);
        Assert.Equal(key.Encoded.ToArray(), KvKey.Of([.. key]).Encoded.ToArray());
    }

    [Theory]
    [MemberData(nameof(NoKeys), DisableDiscoveryEnumeration = true)]
    public void A_text_that_is_no_key_is_refused_with_its_reason(string text, string reason)
    {
        Assert.False(KvKey.TryParse(text, out _, out string? error));
        Assert.Contains(reason, error, StringComparison.OrdinalIgnoreCase);
        Assert.Throws<ArgumentException>(() => KvKey.Parse(text));
    }

    [Theory]
    [InlineData("00", "an unknown tag")]
    [InlineData("ff71", "the model's own keys")]
    [InlineData("0261", "a string without an end")]
    [InlineData("02ff00", "no UTF-8")]
    [InlineData("1500", "an integer with a zero in front")]
    [InlineData("13ff", "minus zero")]
    [InlineData("16 01", "an integer that is cut off")]
    [InlineData("1d08ffffffffffffffff", "a long form of a short integer")]
    [InlineData("1d", "no length")]
    [InlineData("21 00", "a double that is cut off")]
    [InlineData("21 fff8000000000001", "another NaN")]
    public void Bytes_that_are_no_tuple_are_shown_as_they_are_and_not_decoded(string hex, string why)
    {
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        var key = KvKey.OfEncoded(bytes);
        Assert.False(key.IsTuple, why);
        Assert.Equal($"0x{Convert.ToHexStringLower(bytes)}", key.ToString());
        Assert.Contains(key.ToString(), Assert.Throws<FormatException>(() => key.Count).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_come_back_in_their_types()
    {
        KvKey key = ["users", 42, 1.5, true, new byte[] { 1 }, BigInteger.Pow(10, 40)];
        Assert.Equal(6, key.Count);
        Assert.Equal("users", key[0].AsString());
        Assert.Equal(42, key[1].AsInt64());
        Assert.Equal(1.5, key[2].AsNumber());
        Assert.True(key[3].AsBoolean());
        Assert.Equal([1], key[4].AsBytes().ToArray());
        Assert.Equal(BigInteger.Pow(10, 40), key[5].AsInteger());
        Assert.Throws<OverflowException>(() => key[5].AsInt64());
        Assert.Throws<ArgumentOutOfRangeException>(() => key[6]);
        Assert.Contains("kind String is read as Number", Assert.Throws<InvalidOperationException>(() => key[0].AsNumber()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Cs_1_is_JavaScripts_1n_and_1_0_its_1()
    {
        KvKey integer = [1], number = [1.0];
        Assert.NotEqual(integer.ToString(), number.ToString());
        Assert.True(integer != number);
        Assert.Equal("[1]", number.ToString());
        KvKey spread = [.. integer, "more"];
        Assert.Equal("""[{"int":1},"more"]""", spread.ToString());
    }

    [Fact]
    public void What_cannot_be_encoded_is_refused()
    {
        Assert.Contains("lone surrogate at 1", Assert.Throws<ArgumentException>(() => KvKey.Of("a\uD800")).Message, StringComparison.Ordinal);
        Assert.Contains("255 bytes, not 256", Assert.Throws<ArgumentException>(() => KvKey.Of(BigInteger.One << (255 * 8))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => KvKey.Of(default(KvKeyPart)));
        Assert.Throws<ArgumentNullException>(() => KvKey.Of((string)null!));
        BigInteger longest = (BigInteger.One << (255 * 8)) - 1;
        Assert.Equal(longest, KvKey.Of(longest)[0].AsInteger());
        Assert.Equal(-longest, KvKey.Of(-longest)[0].AsInteger());
    }
}
