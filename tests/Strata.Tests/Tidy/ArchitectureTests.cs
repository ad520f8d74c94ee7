using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace Strata.Tests;

/// <summary>What ARCHITECTURE.md says which test stages is there: a rule whose test was renamed or removed would look kept.</summary>
public sealed partial class ArchitectureTests
{
    [Fact]
    public void The_tests_that_it_names_are_there()
    {
        string[] rows = [.. File.ReadLines(Path.Combine(Repository.Root, "ARCHITECTURE.md")).SkipWhile(l => l != "| rule | tests |").Where(l => l.StartsWith("| ", StringComparison.Ordinal))];
        string[] named = [.. rows.SelectMany(row => Quoted().Matches(row[row.IndexOf(" | ", StringComparison.Ordinal)..])).Select(m => m.Groups[1].Value)];
        Assert.True(named.Length > 60, $"{named.Length} tests are named.");
        HashSet<string> known = [.. Repository.Sources
            .Where(s => s.Path.StartsWith("tests/", StringComparison.Ordinal) || s.Path.StartsWith("src/Strata.Testing/", StringComparison.Ordinal))
            .SelectMany(s => s.Syntax.DescendantNodes().OfType<ClassDeclarationSyntax>())
            .SelectMany(NamesOf)];
        Faults.None(named.Where(name => !known.Contains(name)).Select(name => $"ARCHITECTURE.md names the test {name}, and there is none."));
    }

    private static IEnumerable<string> NamesOf(ClassDeclarationSyntax type) =>
        [type.Identifier.Text, .. type.Members.OfType<MethodDeclarationSyntax>().SelectMany(m => (string[])[m.Identifier.Text, $"{type.Identifier.Text}.{m.Identifier.Text}"])];

    [GeneratedRegex("`([A-Za-z0-9_.]+)`")]
    private static partial Regex Quoted();
}
