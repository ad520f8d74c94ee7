namespace Strata.Cli;

/// <summary>Columns as wide as what is in them: the first one to the left, the others, which are figures, to the right.</summary>
internal static class TextTable
{
    /// <summary>The rows as lines; the first row is the head.</summary>
    public static IEnumerable<string> Lines(IReadOnlyList<IReadOnlyList<string>> rows)
    {
        int[] widths = [.. Enumerable.Range(0, rows[0].Count).Select(column => rows.Max(row => row[column].Length))];
        return rows.Select(row => string.Join("  ", row.Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column]))).TrimEnd());
    }
}
