using System.Globalization;
using Spectre.Console;

namespace Strata.Benchmarks;

/// <summary>The rows of a case on the terminal: medians with their spread, the ratio, and a bar.</summary>
internal static class TableReport
{
    /// <summary>Cells of a bar; the mark in its middle is the peer.</summary>
    private const int BarCells = 16;

    public static void Write(BenchmarkCase benchmark, IReadOnlyList<Comparison> rows)
    {
        var table = new Table().Border(TableBorder.Rounded).Title($"[bold]{Markup.Escape(benchmark.Name)}[/]").Caption(Markup.Escape(benchmark.Summary));
        table.AddColumns("metric", "peer", "unit");
        table.AddColumn(new TableColumn("ours (min..max)").RightAligned());
        table.AddColumn(new TableColumn("peer (min..max)").RightAligned());
        table.AddColumn(new TableColumn("ratio").RightAligned());
        bool hasTargets = rows.Any(row => row.Target is not null);
        if (hasTargets) table.AddColumn("target");
        table.AddColumn("better │ is longer");
        foreach (Comparison row in rows)
        {
            table.AddRow(
            [
                Markup.Escape(row.Metric), Markup.Escape(row.Peer.Name), Markup.Escape(row.Unit),
                Spread(row.Ours), Spread(row.Peer), Ratio(row), .. hasTargets ? [Target(row)] : Array.Empty<string>(), Bar(row),
            ]);
        }

        AnsiConsole.Write(table);
        AnsiConsole.WriteLine();
    }

    private static string Spread(Series series) => $"[bold]{Number(series.Median)}[/] [grey]({Number(series.Min)}..{Number(series.Max)})[/]";

    private static string Ratio(Comparison row) => row.Ratio is { } ratio ? ratio.ToString("0.00", CultureInfo.InvariantCulture) : "–";

    private static string Target(Comparison row) => row.Target is not { } target
        ? ""
        : string.Create(CultureInfo.InvariantCulture, $"{(row.LowerIsBetter ? "≤" : "≥")} {target:0.##} {(row.Holds == true ? "[green]holds[/]" : "[red]missed[/]")}");

    /// <summary>
    /// A bar on a logarithmic scale from an eighth of the peer (empty) to eight times it (full), longer for better
    /// whichever way the metric counts.
    /// </summary>
    private static string Bar(Comparison row)
    {
        double position = Math.Clamp((Math.Log2(Math.Max(row.Advantage, 1e-9)) + 3) / 6, 0, 1);
        int filled = (int)Math.Round(position * BarCells);
        string colour = row.Advantage >= 1.05 ? "green" : row.Advantage >= 0.95 ? "yellow" : "red";
        string bar = new string('█', filled).PadRight(BarCells, '·');
        return $"[{colour}]{bar[..(BarCells / 2)]}[/][grey]│[/][{colour}]{bar[(BarCells / 2)..]}[/]";
    }

    private static string Number(double value) => value switch
    {
        0 => "0",
        < 0.01 => "~0",
        < 10 => value.ToString("0.##", CultureInfo.InvariantCulture),
        < 1000 => value.ToString("0.#", CultureInfo.InvariantCulture),
        _ => value.ToString("#,##0", CultureInfo.InvariantCulture),
    };
}
