using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>Which store a key belongs to: the one with the longest prefix, in every order of keys that UTF-8 has.</summary>
public sealed class MountTableTests
{
    private static readonly string[] Pieces = ["a", "a/", "b", "/", "-", "é", "\uD7FF", "\uE000", "\uFFFD", "😀", "\U0010FFFF", " ", "~"];

    [Fact]
    public void A_key_belongs_to_the_longest_prefix_that_it_begins_with()
    {
        var random = new Random(TestSeed.Next());
        for (int run = 0; run < 300; run++)
        {
            string[] prefixes = [.. Enumerable.Range(0, 1 + random.Next(8)).Select(_ => Text(random, random.Next(4))).Where(p => BlobKey.TryParse(p + "x", out _)).Append("a").Distinct()];
            MountTable table = TableOf(prefixes);
            for (int i = 0; i < 40; i++)
            {
                if (!BlobKey.TryParse(Text(random, 1 + random.Next(5)), out BlobKey key)) continue;
                string? expected = prefixes.Where(p => key.Value.StartsWith(p, StringComparison.Ordinal)).MaxBy(p => p.Length);
                Assert.Equal(expected, table.Find(key)?.Prefix);
            }
        }
    }

    [Fact]
    public void Ranges_between_two_texts_follow_each_other_without_gaps()
    {
        MountSegment[] all = [.. TableOf(["", "a/", "a/2/", "b"]).Between("", null)];
        Assert.Equal(["", "a/", "a/2/", "a/20", "a0", "b", "c"], all.Select(s => s.From));
        Assert.Equal(["", "a/", "a/2/", "a/", "", "b", ""], all.Select(s => s.Mount!.Prefix));
        Assert.Equal([.. all.Skip(1).Select(s => s.From), null], all.Select(s => s.Until));
        MountSegment[] some = [.. TableOf(["", "a/"]).Between("a", "a/5")];
        Assert.Equal([("a", "a/"), ("a/", "a/5")], some.Select(s => (s.From, s.Until!)));
    }

    [Theory]
    [InlineData("a/", "a.\U0010FFFF")]
    [InlineData("b", "a\U0010FFFF")]
    [InlineData("x\uE000", "x\uD7FF\U0010FFFF")]
    [InlineData("x ", "x")]
    [InlineData(" ", null)]
    [InlineData("", null)]
    public void What_is_just_before_a_text_is_before_it(string text, string? before)
    {
        Assert.Equal(before, ListPager.JustBefore(text));
        if (before is not null) Assert.True(BlobKey.CompareText(before, text) < 0);
    }

    private static MountTable TableOf(IEnumerable<string> prefixes) =>
        new([.. prefixes.Select(prefix => new MountedStore(new StoreMount { Prefix = prefix, Store = new MemoryBlobStore() }, "test"))]);

    private static string Text(Random random, int pieces) => string.Concat(Enumerable.Range(0, pieces).Select(_ => Pieces[random.Next(Pieces.Length)]));
}
