using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Strata.Azure;
using Strata.S3;
using Xunit;

namespace Strata.Tests;

/// <summary>docs/guides/coming-from-tiered-libraries.md, row by row: what the other libraries' documents describe works here, under the name that the table gives.</summary>
public sealed partial class ComingFromTieredLibrariesTests
{
    private const string StillToCome = "still to come";
    private static readonly BlobKey User = BlobKey.Parse("user:123");

    [Fact]
    public void Each_row_has_a_test_or_says_that_it_is_still_to_come()
    {
        var tested = typeof(ComingFromTieredLibrariesTests).GetMethods(BindingFlags.Public | BindingFlags.Instance)
            .SelectMany(method => method.GetCustomAttributes<GuideRowAttribute>()).Select(row => row.There).ToHashSet(StringComparer.Ordinal);
        List<Row> rows = ReadRows();
        Assert.Empty(rows.GroupBy(row => row.There, StringComparer.Ordinal).Where(same => same.Count() > 1).Select(same => $"Two rows are '{same.Key}'."));
        Assert.Empty(rows.Where(row => !tested.Contains(row.There) && !row.Here.Contains(StillToCome, StringComparison.Ordinal)).Select(row => $"'{row.There}' has no test."));
        Assert.Empty(tested.Except(rows.Select(row => row.There), StringComparer.Ordinal).Select(there => $"The guide has no row '{there}', which a test stands for."));
    }

    [Fact]
    public void Each_name_of_the_right_side_is_one_of_the_public_surface()
    {
        Assembly[] assemblies = [typeof(IBlobStore).Assembly, typeof(S3BlobStoreOptions).Assembly, typeof(AzureBlobStoreOptions).Assembly];
        var known = assemblies.SelectMany(assembly => assembly.GetExportedTypes())
            .SelectMany(type => type.GetMembers().Select(member => member.Name).Append(type.Name)).ToHashSet(StringComparer.Ordinal);
        List<string> unknown = [];
        foreach (Row row in ReadRows())
        {
            foreach (Match code in CodeSpans().Matches($"{row.Here} {row.Difference}"))
            {
                // Texts, and the sections and names of a configuration, are no names of the surface.
                string names = Quoted().Replace(code.Groups[1].Value, "");
                if (names.Contains(':', StringComparison.Ordinal) && !names.Contains('(', StringComparison.Ordinal)) continue;
                unknown.AddRange(Names().Matches(names).Select(name => name.Value).Where(name => !known.Contains(name)).Select(name => $"'{name}' of the row '{row.There}'"));
            }
        }

        Assert.Empty(unknown);
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex CodeSpans();

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Quoted();

    /// <summary>Names as C# writes those of types and members, the shouting placeholders of an example aside.</summary>
    [GeneratedRegex(@"\b[A-Z](?=\w*[a-z])\w*\b")]
    private static partial Regex Names();

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex CellEnds();

    private static List<Row> ReadRows()
    {
        string[] lines = File.ReadAllLines(Path.Combine(Repository.Root, "docs/guides/coming-from-tiered-libraries.md"));
        List<Row> rows = [.. lines.Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| there |", StringComparison.Ordinal)).Select(Row.Of)];
        Assert.True(rows.Count > 50, $"The guide's tables have {rows.Count} rows: they were not read.");
        return rows;
    }

    private static async Task<string?> TextOfAsync(IBlobStore store, string key) =>
        await store.GetBytesAsync(BlobKey.Parse(key)) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    private sealed record Row(string There, string Here, string Difference)
    {
        public static Row Of(string line)
        {
            string[] cells = [.. CellEnds().Split(line.Trim().Trim('|')).Select(cell => cell.Replace("\\|", "|", StringComparison.Ordinal).Trim())];
            Assert.True(cells.Length == 3, $"A row has three cells; this is '{line}'.");
            return new Row(cells[0].Replace("`", "", StringComparison.Ordinal), cells[1], cells[2]);
        }
    }
}
