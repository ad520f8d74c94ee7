using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace Strata.Tests;

/// <summary>Patterns of names against regular expressions: a rule that matches what it should not moves what it should not.</summary>
public sealed class KeyPatternTests
{
    [Theory]
    [InlineData("users/*/avatar.png", "users/7/avatar.png", true)]
    [InlineData("users/*/avatar.png", "users/7/8/avatar.png", false)]
    [InlineData("**.bak", "a/b/c.bak", true)]
    [InlineData("*.bak", "a/c.bak", false)]
    [InlineData("logs/**", "logs/", true)]
    [InlineData("logs/**", "logs", false)]
    [InlineData("**", "anything/at/all", true)]
    [InlineData("*", "", true)]
    [InlineData("", "a", false)]
    [InlineData("a.c", "abc", false)]
    [InlineData("**/x/*", "a/x/b/x/c", true)]
    public void It_matches(string pattern, string name, bool expected) => Assert.Equal(expected, KeyPattern.Matches(pattern, name));

    [Fact]
    public void It_matches_what_the_same_regular_expression_does()
    {
        var random = new Random(5);
        int matched = 0;
        for (int run = 0; run < 20_000; run++)
        {
            string pattern = Draw(random, ["a", "b", "/", "*", "**"], random.Next(8)), name = Draw(random, ["a", "b", "/"], random.Next(10));
            string expression = "^" + Regex.Replace(pattern, @"\*\*|\*", star => star.Value.Length == 2 ? ".*" : "[^/]*") + "\\z";
            bool expected = Regex.IsMatch(name, expression, RegexOptions.CultureInvariant | RegexOptions.Singleline, TimeSpan.FromSeconds(10));
            Assert.True(expected == KeyPattern.Matches(pattern, name), $"'{pattern}' and '{name}': the regular expression says {expected}.");
            matched += expected ? 1 : 0;
        }

        Assert.InRange(matched, 1_000, 19_000);
    }

    [Fact]
    public void The_worst_pattern_ends_soon()
    {
        string name = new('a', BlobKey.MaxBytes), pattern = string.Concat(Enumerable.Repeat("**a*a", KeyPattern.MaxLength / 5 - 1)) + "b";
        long start = Stopwatch.GetTimestamp();
        Assert.False(KeyPattern.Matches(pattern, name));
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(5));
    }

    private static string Draw(Random random, string[] parts, int count) => string.Concat(Enumerable.Range(0, count).Select(_ => parts[random.Next(parts.Length)]));
}
