using Spectre.Console;

namespace Strata.TieringYear;

/// <summary>The figures of the whole year on the console.</summary>
internal static class YearTable
{
    private const double Gib = 1L << 30;

    public static void Write(YearRun run)
    {
        IReadOnlyList<YearDay> days = run.Days;
        CostEstimate cost = run.CostOf(days);
        double reads = days.Sum(d => d.Reads.Sum());
        Table tiers = new Table().Border(TableBorder.Markdown).AddColumns("tier", "mean GiB", "of all bytes, %", "reads answered, %", "requests a day", "arrivals a day", "cost of the year");
        for (int i = 0; i < cost.Tiers.Count; i++)
        {
            double bytes = days.Average(d => d.Bytes[i]);
            tiers.AddRow(cost.Tiers[i].Tier, $"{bytes / Gib:0.00}", $"{100 * bytes / run.StoredBytes:0.00}", $"{100 * days.Sum(d => d.Reads[i]) / reads:0.00}", $"{days.Average(d => d.Asked[i]):#,0}", $"{days.Average(d => d.Arrivals[i]):#,0}", $"{cost.Tiers[i].Total:0.00}");
        }

        AnsiConsole.Write(tiers);
        Table year = new Table().Border(TableBorder.Markdown).AddColumns("of the year", "");
        year.AddRow("keys, requests", $"{run.Settings.Keys:#,0}, {reads + days.Sum(d => d.Writes):#,0}");
        year.AddRow("hot hit ratio, %: first day, last 30 days", $"{100 * days[0].HotRatio:0.0}, {100 * days.TakeLast(30).Average(d => d.HotRatio):0.0}");
        year.AddRow("promoted, demoted a day", $"{days.Average(d => d.Promoted):#,0}, {days.Average(d => d.Demoted):#,0}");
        year.AddRow("keys looked at a day, of those stored, %", $"{days.Average(d => d.LookedAt):#,0}, {100 * days.Average(d => d.LookedAt) / run.Settings.Keys:0.00}");
        year.AddRow("cost: tiered, all hot, all cold", $"{cost.Total:0.00}, {cost.AllHot:0.00}, {cost.AllCold:0.00}");
        year.AddRow("saved of all hot, %", $"{100 * cost.SavedOfAllHot:0.0}");
        year.AddRow("tracker: keys, MiB", $"{run.Tracker.Keys:#,0}, {run.Tracker.Bytes / 1048576.0:0.0}");
        AnsiConsole.Write(year);
    }
}
