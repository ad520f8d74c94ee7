using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Strata.Tests;

public sealed class BlobKeyTests
{
    public static TheoryData<string> Valid =>
    [
        "a", "a/b", "a/", "a/b/", ".a", "a.", "...", "a..b", "a/.../b", " ", "a b", "%", "é", "e\u0301", "😀", "\uFFFD", "\uFFFF", "\U0010FFFF", "a\\b", "CON",
        new string('k', 1024), new string('é', 512), string.Concat(Enumerable.Repeat("😀", 256)), "\u200B", "\u202E",
    ];

    public static TheoryData<string, string> Invalid => new()
    {
        { "", "empty" },
        { "/", "empty segment" },
        { "/a", "empty segment" },
        { "a//b", "empty segment" },
        { "a//", "empty segment" },
        { ".", "'.' or '..'" },
        { "..", "'.' or '..'" },
        { "./a", "'.' or '..'" },
        { "a/..", "'.' or '..'" },
        { "a/../b", "'.' or '..'" },
        { "a/./", "'.' or '..'" },
        { "a\0b", "control characters" },
        { "a\nb", "U+000A at 1" },
        { "\u007F", "control characters" },
        { "\u0085", "control characters" },
        { "\uD83D", "lone surrogate at 0" },
        { "a\uDE00", "lone surrogate at 1" },
        { "\uD83D\uD83D\uDE00", "lone surrogate at 0" },
        { new string('k', 1025), "at most 1024" },
        { new string('é', 513), "this one has 1026" },
        { string.Concat(Enumerable.Repeat("😀", 257)), "this one has 1028" },
    };

    [Theory]
    [MemberData(nameof(Valid), DisableDiscoveryEnumeration = true)]
    public void A_valid_key_is_taken_as_it_is(string text)
    {
        Assert.True(BlobKey.TryParse(text, out BlobKey key, out string? error), error);
        Assert.Equal(text, key.Value);
        Assert.Equal(text, key.ToString());
        Assert.Equal(Encoding.UTF8.GetByteCount(text), key.ByteCount);
        Assert.Equal(key, BlobKey.Parse(new string(text.AsSpan())));
        Assert.Equal(key.GetHashCode(), BlobKey.Parse(new string(text.AsSpan())).GetHashCode());
        Assert.False(key.IsDefault);
    }

    [Theory]
    [MemberData(nameof(Invalid), DisableDiscoveryEnumeration = true)]
    public void An_invalid_key_is_refused_with_its_reason(string text, string reason)
    {
        Assert.False(BlobKey.TryParse(text, out BlobKey key, out string? error));
        Assert.Contains(reason, error, StringComparison.Ordinal);
        Assert.True(key.IsDefault);
        Assert.Contains(reason, Assert.Throws<ArgumentException>(() => BlobKey.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Null_is_no_key() => Assert.False(BlobKey.TryParse(null, out _));

    [Theory]
    [InlineData("a", "a")]
    [InlineData("a/", "a")]
    [InlineData("a/b/c", "a")]
    public void The_first_segment_is_the_collection(string text, string collection) => Assert.Equal(collection, BlobKey.Parse(text).Collection.ToString());

    [Fact]
    public void Default_is_no_key_and_equals_none()
    {
        Assert.True(default(BlobKey).IsDefault);
        Assert.Equal("", default(BlobKey).Value);
        Assert.NotEqual(default, BlobKey.Parse("a"));
    }

    [Fact]
    public void The_order_of_keys_is_that_of_their_utf8_bytes() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(20_000), Prop.ForAll(Arb.From(Texts.Two(Texts.Valid)), pair =>
            Math.Sign(BlobKey.CompareText(pair.Item1, pair.Item2)) == Math.Sign(Encoding.UTF8.GetBytes(pair.Item1).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(pair.Item2)))));

    [Fact]
    public void What_is_taken_as_a_key_keeps_the_invariants() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(20_000), Prop.ForAll(Arb.From(Texts.Any), text =>
        {
            if (!BlobKey.TryParse(text, out BlobKey key)) return true;
            string[] segments = text.Split('/');
            return key.Value == text
                && Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) == text
                && segments.SkipLast(1).All(s => s is not ("" or "." or ".."))
                && segments[^1] is not ("." or "..")
                && !text.Any(char.IsControl);
        }));

    [Fact]
    public void The_operators_agree_with_the_order()
    {
        BlobKey fffd = BlobKey.Parse("\uFFFD"), astral = BlobKey.Parse("😀"), same = BlobKey.Parse("😀");
        Assert.True(fffd < astral && astral > fffd && fffd <= astral && astral >= fffd && astral <= same && astral == same && astral != fffd);
        Assert.False(fffd > astral || astral < same || fffd.Equals((object)"x"));
    }

    private static class Texts
    {
        private static readonly string[] Pieces = ["a", "b", "A", "/", ".", "..", "-", "0", "~", "é", "\u0301", "\uD7FF", "\uE000", "\uFFFD", "\uFFFF", "\U00010000", "😀", "😁", "\U0010FFFF"];
        private static readonly string[] Broken = ["\0", "\n", "\uD83D", "\uDE00", "//"];

        public static Gen<string> Valid => Of(Pieces);

        public static Gen<string> Any => Of([.. Pieces, .. Broken]);

        public static Gen<(string, string)> Two(Gen<string> texts) => texts.SelectMany(common => texts.SelectMany(x => texts.Select(y => (common + x, common + y))));

        private static Gen<string> Of(string[] pieces) => Gen.Elements(pieces).ListOf().Select(list => string.Concat(list.Take(8)));
    }
}
