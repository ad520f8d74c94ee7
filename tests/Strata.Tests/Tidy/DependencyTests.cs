using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace Strata.Tests;

/// <summary>A dependency points down only (ARCHITECTURE.md). Everything is one namespace, so folders are told apart by the types that they declare.</summary>
public sealed class DependencyTests
{
    private const string Library = "src/Strata/";

    /// <summary>What each folder may refer to, besides itself. A folder that is not named here fails the test: decide where it stands.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        [""] = ["Blobs", "KeyValues"],
        ["Blobs"] = [],
        ["KeyValues"] = ["", "Blobs"],
        ["Concurrency"] = ["", "Blobs"],
        ["Log"] = ["", "Blobs", "KeyValues", "Concurrency"],
        ["Outbox"] = ["", "Blobs", "KeyValues", "Concurrency"],
        ["Backends"] = ["", "Blobs", "KeyValues", "Concurrency", "Log"],
        ["Layers"] = ["", "Blobs", "KeyValues", "Concurrency", "Outbox"],
        ["Collections"] = ["", "Blobs", "KeyValues", "Concurrency"],
        ["Snapshots"] = ["", "Blobs", "KeyValues", "Concurrency"],
        ["Composition"] = ["", "Blobs", "KeyValues", "Concurrency", "Log", "Outbox", "Backends", "Layers", "Collections", "Snapshots"],
        ["Hosting"] = ["", "Blobs", "KeyValues", "Concurrency", "Log", "Outbox", "Backends", "Layers", "Collections", "Snapshots", "Composition"],
    };

    /// <summary>Where a layer needs a database of its own in memory, there is one.</summary>
    private static readonly (string Path, string Type)[] Exceptions =
        [(Library + "Layers/Tiering/Access/KeptAccesses.cs", nameof(MemoryKvDatabase)), (Library + "Layers/Tiering/Access/KeptAccesses.cs", nameof(MemoryKvDatabaseOptions))];

    private static readonly SourceFile[] Files = [.. Repository.Sources.Where(f => f.Path.StartsWith(Library, StringComparison.Ordinal))];

    [Fact]
    public void Every_folder_has_its_place() =>
        Assert.Subset(Allowed.Keys.ToHashSet(), Files.Select(f => FolderOf(f.Path)).ToHashSet());

    [Fact]
    public void Dependencies_point_down_only()
    {
        Dictionary<string, string> homes = [];
        foreach (SourceFile file in Files)
        {
            foreach (MemberDeclarationSyntax type in file.Types) homes[SourceFile.NameOf(type)] = FolderOf(file.Path);
        }

        Faults.None(
            from file in Files
            let folder = FolderOf(file.Path)
            from use in UsesOf(file)
            let home = homes.GetValueOrDefault(use.Name, folder)
            where home != folder && !Exceptions.Contains((file.Path, use.Name)) && !Allowed.GetValueOrDefault(folder, []).Contains(home)
            select $"{file.Path}:{use.Line} refers to {use.Name} of {home}; {folder} may refer to {string.Join(", ", Allowed[folder])}.");
    }

    [Fact]
    public void A_backend_knows_no_other_backend_and_a_layer_no_other_layer()
    {
        var homes = Files.SelectMany(f => f.Types.Select(t => (Name: SourceFile.NameOf(t), f.Path))).GroupBy(t => t.Name).ToDictionary(g => g.Key, g => PlaceOf(g.First().Path));
        Faults.None(
            from file in Files
            let place = PlaceOf(file.Path)
            where place.StartsWith("Backends/", StringComparison.Ordinal) || place.StartsWith("Layers/", StringComparison.Ordinal)
            from use in UsesOf(file)
            let home = homes.GetValueOrDefault(use.Name, place)
            where home != place && !Exceptions.Contains((file.Path, use.Name)) && (home.StartsWith("Backends/", StringComparison.Ordinal) || home.StartsWith("Layers/", StringComparison.Ordinal))
            select $"{file.Path}:{use.Line} refers to {use.Name} of {home}.");
    }

    [Fact]
    public void The_library_knows_no_front_door() => Faults.None(
        from file in Files
        from directive in file.Syntax.DescendantNodes().OfType<UsingDirectiveSyntax>()
        let name = directive.Name?.ToString() ?? ""
        where name.StartsWith("Strata.", StringComparison.Ordinal) || name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) || name.StartsWith("Xunit", StringComparison.Ordinal)
        select $"{file.Path} uses {name}.");

    private static string FolderOf(string path)
    {
        string[] parts = path[Library.Length..].Split('/');
        return parts.Length == 1 ? "" : parts[0];
    }

    /// <summary>The folder of one backend or layer, such as <c>Backends/Disk</c>; elsewhere the first folder.</summary>
    private static string PlaceOf(string path)
    {
        string[] parts = path[Library.Length..].Split('/');
        return parts.Length > 2 ? $"{parts[0]}/{parts[1]}" : FolderOf(path);
    }

    /// <summary>Names that the code, not its comments, refers to: as a type, a constructor or the owner of a static member.</summary>
    private static IEnumerable<(string Name, int Line)> UsesOf(SourceFile file) =>
        file.Syntax.DescendantNodes().OfType<SimpleNameSyntax>()
            .Where(n => n.Parent is not MemberAccessExpressionSyntax access || access.Expression == n)
            .Where(n => n.Parent is not MemberBindingExpressionSyntax)
            .Where(n => n.Parent is not (NameColonSyntax or NameEqualsSyntax or AssignmentExpressionSyntax { Parent: InitializerExpressionSyntax }))
            .Select(n => (n.Identifier.Text, file.LineOf(n)));
}
