using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace Strata.Tests;

/// <summary>Files and methods that one can read at a sitting, found where their names say.</summary>
public sealed class FileTests
{
    private const int MaxFileLines = 700;
    private const int GoodFileLines = 400;
    private const int MaxMethodLines = 80;
    private static readonly string[] BannedWords = ["Utils", "Util", "Helper", "Helpers", "Common", "Manager", "Base"];

    [Fact]
    public void The_sources_are_found() => Assert.True(Repository.Sources.Count(s => s.Path.StartsWith("src/Strata/", StringComparison.Ordinal)) > 50);

    [Fact]
    public void No_file_is_too_long()
    {
        foreach (SourceFile file in Repository.Sources.Where(f => f.Lines > GoodFileLines))
            TestContext.Current.TestOutputHelper!.WriteLine($"{file.Path} has {file.Lines} lines; about {GoodFileLines} is good, {MaxFileLines} the limit.");
        Faults.None(Repository.Sources.Where(f => f.Lines > MaxFileLines).Select(f => $"{f.Path} has {f.Lines} lines; {MaxFileLines} is the limit."));
    }

    [Fact]
    public void No_method_is_too_long() => Faults.None(
        from file in Repository.Sources
        from body in file.Syntax.DescendantNodes()
        where body is BaseMethodDeclarationSyntax or AccessorDeclarationSyntax or LocalFunctionStatementSyntax
        let lines = LinesOf(body)
        where lines > MaxMethodLines
        select $"{file.Path}:{file.LineOf(body)} has a method of {lines} lines; {MaxMethodLines} is the limit.");

    [Fact]
    public void A_file_has_one_public_type_and_its_name() => Faults.None(
        from file in Repository.Sources
        where file.Path.StartsWith("src/", StringComparison.Ordinal)
        let names = file.Types.Where(t => t.Modifiers.Any(SyntaxKind.PublicKeyword)).Select(SourceFile.NameOf).Distinct().ToArray()
        where names.Length > 1 || (names.Length == 1 && names[0] != file.Subject)
        select $"{file.Path} declares {string.Join(", ", names)}.");

    [Fact]
    public void No_type_has_a_name_that_says_nothing() => Faults.None(
        from file in Repository.Sources
        from type in file.Syntax.DescendantNodes().OfType<BaseTypeDeclarationSyntax>()
        let word = BannedWords.FirstOrDefault(w => type.Identifier.Text.EndsWith(w, StringComparison.Ordinal))
        where word is not null
        select $"{file.Path}: '{type.Identifier.Text}' ends in '{word}'.");

    [Fact]
    public void No_test_is_skipped_and_none_sleeps() => Faults.None(
        from file in Repository.Sources
        where file.Path.StartsWith("tests/", StringComparison.Ordinal) || file.Path.StartsWith("src/Strata.Testing/", StringComparison.Ordinal)
        from node in file.Syntax.DescendantNodes()
        where node is AttributeSyntax { ArgumentList: { } arguments } && arguments.Arguments.Any(a => a.NameEquals?.Name.Identifier.Text == "Skip")
            || node is MemberAccessExpressionSyntax { Expression: IdentifierNameSyntax { Identifier.Text: "Thread" }, Name.Identifier.Text: "Sleep" }
        select $"{file.Path}:{file.LineOf(node)}: {node}");

    /// <summary>From the first line of the signature to the last of the body; comments and attributes before it are free.</summary>
    private static int LinesOf(SyntaxNode body)
    {
        SyntaxToken first = body.ChildTokens().FirstOrDefault(t => t.IsKind(SyntaxKind.IdentifierToken));
        if (first == default) first = body.GetFirstToken();
        FileLinePositionSpan start = body.SyntaxTree.GetLineSpan(first.Span), end = body.SyntaxTree.GetLineSpan(body.Span);
        return end.EndLinePosition.Line - start.StartLinePosition.Line + 1;
    }
}
