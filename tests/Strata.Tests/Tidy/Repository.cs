using System.Reflection;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Strata.Tests;

/// <summary>The sources of this repository, for the tests that read them.</summary>
internal static class Repository
{
    private static readonly string[] SourceFolders = ["src", "tests", "samples", "benchmarks"];

    /// <summary>The folder with <c>Strata.slnx</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>All C# files that people write, by their path from the root, with <c>/</c>.</summary>
    public static IReadOnlyList<SourceFile> Sources { get; } = [.. SourceFolders
        .Select(folder => Path.Combine(Root, folder))
        .Where(Directory.Exists)
        .SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
        .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
        .Where(path => !path.Contains("/bin/", StringComparison.Ordinal) && !path.Contains("/obj/", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal)
        .Select(SourceFile.Read)];

    private static string FindRoot()
    {
        string? folder = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location);
        while (folder is not null && !File.Exists(Path.Combine(folder, "Strata.slnx"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("These tests run inside the repository: no folder above them holds Strata.slnx.");
    }
}

/// <summary>A parsed source file.</summary>
/// <param name="Path">From the root, with <c>/</c>.</param>
/// <param name="Lines">Number of lines.</param>
/// <param name="Syntax">Its syntax tree.</param>
internal sealed record SourceFile(string Path, int Lines, CompilationUnitSyntax Syntax)
{
    /// <summary>The file's name up to its first dot, so that <c>Store.Reads.cs</c> gives <c>Store</c>.</summary>
    public string Subject => System.IO.Path.GetFileName(Path).Split('.')[0];

    /// <summary>Types that are not nested.</summary>
    public IEnumerable<MemberDeclarationSyntax> Types => Syntax.DescendantNodes(n => n is not TypeDeclarationSyntax)
        .Where(n => n is BaseTypeDeclarationSyntax or DelegateDeclarationSyntax).Cast<MemberDeclarationSyntax>();

    public static SourceFile Read(string path)
    {
        string text = File.ReadAllText(System.IO.Path.Combine(Repository.Root, path));
        return new(path, text.AsSpan().Count('\n'), CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Preview)).GetCompilationUnitRoot());
    }

    public static string NameOf(MemberDeclarationSyntax type) => type switch
    {
        BaseTypeDeclarationSyntax declared => declared.Identifier.Text,
        DelegateDeclarationSyntax declared => declared.Identifier.Text,
        _ => throw new ArgumentException(type.Kind().ToString()),
    };

    /// <summary>Line of a node, from 1.</summary>
    public int LineOf(Microsoft.CodeAnalysis.SyntaxNode node) => Syntax.SyntaxTree.GetLineSpan(node.Span).StartLinePosition.Line + 1;
}
