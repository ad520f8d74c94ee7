using Spectre.Console;

namespace Strata.HitRatios;

/// <summary>The figures on the console: hits in percent, the best peer of each trace bold, and how far the store is from it.</summary>
internal static class HitRatioTable
{
    public static void Write(IReadOnlyList<HitRatioRow> rows)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn("trace").AddColumn(new TableColumn("static optimum").RightAligned());
        foreach (string policy in rows[0].Names) table.AddColumn(new TableColumn(policy).RightAligned());
        table.AddColumn(new TableColumn("to the best").RightAligned());
        foreach (HitRatioRow row in rows)
        {
            table.AddRow([
                row.Trace,
                row.StaticOptimum is { } optimum ? Percent(optimum) : "–",
                .. row.Ratios.Select(ratio => ratio == row.Best ? $"[bold]{Percent(ratio)}[/]" : Percent(ratio)),
                $"{100 * (row.Ratios[^1] - row.Best):+0.00;-0.00}",
            ]);
        }

        AnsiConsole.Write(table);
    }

    private static string Percent(double ratio) => $"{100 * ratio:0.00}";
}
