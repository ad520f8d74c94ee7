using System.Globalization;
using System.Text;

namespace Strata.TieringYear;

/// <summary>The chart: four panels over the days of the year. No scripts, no fonts of its own.</summary>
internal static class YearChart
{
    private const int Width = 960, Left = 80, Right = 140, Top = 64, PanelHeight = 150, Gap = 58;
    private const double Gib = 1L << 30;

    public static string Draw(YearRun run)
    {
        IReadOnlyList<YearDay> days = run.Days;
        CostEstimate[] costs = [.. days.Select(day => run.CostOf([day]))];
        const string Hot = "#d93025", Warm = "#e8a33d", Cold = "#4f8df5", Ours = "#2aa198", Grey = "#9aa0a6";
        Panel[] panels =
        [
            new("Reads answered by a tier, %", [
                new("hot", Hot, [.. days.Select(d => 100 * d.HotRatio)]),
                new("warm", Warm, [.. days.Select(d => 100.0 * d.Reads[1] / d.Reads.Sum())]),
                new("cold", Cold, [.. days.Select(d => 100.0 * d.Reads[2] / d.Reads.Sum())])]),
            new($"Bytes of copies in a tier, GiB; the cold one holds all {run.StoredBytes / Gib:0} GiB", [
                new("hot", Hot, [.. days.Select(d => d.Bytes[0] / Gib)]),
                new("warm", Warm, [.. days.Select(d => d.Bytes[1] / Gib)])]),
            new("Moves a day, thousands: copies that reads made, and blobs that runs took to a slower tier", [
                new("promoted", Hot, [.. days.Select(d => d.Promoted / 1000.0)]),
                new("demoted", Cold, [.. days.Select(d => d.Demoted / 1000.0)])]),
            new("Cost since the beginning of the year, $", [
                new("all hot", Grey, Sum(costs.Select(c => c.AllHot))),
                new("tiered", Ours, Sum(costs.Select(c => c.Total))),
                new("all cold", Cold, Sum(costs.Select(c => c.AllCold)))]),
        ];
        var svg = new StringBuilder();
        int height = Top + (panels.Length * (PanelHeight + Gap));
        Line(svg, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" font-family="sans-serif" font-size="13" fill="#202124">""");
        Line(svg, $"""<title>A simulated year of tiering</title>""");
        Line(svg, $"""<rect width="{Width}" height="{height}" fill="#ffffff"/>""");
        Line(svg, $"""<text x="20" y="30" font-size="17" font-weight="bold">A simulated year: {run.Settings.Keys:#,0} blobs, {run.Settings.RequestsADay:#,0} requests a day, Zipf {YearSettings.Exponent} with drift</text>""");
        for (int i = 0; i < panels.Length; i++) Draw(svg, panels[i], Top + 26 + (i * (PanelHeight + Gap)));
        Line(svg, $"</svg>");
        return svg.ToString();
    }

    private static void Draw(StringBuilder svg, Panel panel, int y)
    {
        double most = Nice(panel.Curves.Max(c => c.Values.Max()));
        Line(svg, $"""<text x="20" y="{y - 10}" font-weight="bold">{panel.Title}</text>""");
        for (int step = 0; step <= 4; step++)
        {
            double level = y + PanelHeight - (PanelHeight * step / 4.0);
            Line(svg, $"""<line x1="{Left}" y1="{level:0.#}" x2="{Width - Right}" y2="{level:0.#}" stroke="{(step == 0 ? "#5f6368" : "#e8eaed")}"/>""");
            Line(svg, $"""<text x="{Left - 8}" y="{level + 4:0.#}" text-anchor="end" fill="#5f6368">{most * step / 4:#,0.##}</text>""");
        }

        for (int month = 0; month < 12; month++)
        {
            double x = X((month + 0.5) * YearSettings.Days / 12);
            Line(svg, $"""<text x="{x:0.#}" y="{y + PanelHeight + 16}" text-anchor="middle" fill="#5f6368">{CultureInfo.InvariantCulture.DateTimeFormat.AbbreviatedMonthNames[month]}</text>""");
        }

        // Names stand beside where their curves end, and not on each other.
        double last = double.NegativeInfinity;
        foreach (Curve curve in panel.Curves.OrderByDescending(c => c.Values[^1]))
        {
            string points = string.Join(' ', curve.Values.Select((value, day) => string.Create(CultureInfo.InvariantCulture, $"{X(day):0.#},{y + PanelHeight - (PanelHeight * value / most):0.#}")));
            Line(svg, $"""<polyline points="{points}" fill="none" stroke="{curve.Colour}" stroke-width="1.8"/>""");
            last = Math.Max(last + 16, y + PanelHeight - (PanelHeight * curve.Values[^1] / most) + 4);
            Line(svg, $"""<text x="{Width - Right + 10}" y="{last:0.#}" fill="{curve.Colour}">{curve.Name} {curve.Values[^1]:#,0.##}</text>""");
        }
    }

    private static double X(double day) => Left + ((Width - Left - Right) * day / (YearSettings.Days - 1));

    /// <summary>The least round number that is not less.</summary>
    private static double Nice(double most)
    {
        double unit = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(most, 1e-9))));
        return unit * ((double[])[1, 2, 4, 6, 8, 10]).First(n => n * unit >= most * 0.999);
    }

    private static double[] Sum(IEnumerable<decimal> costs)
    {
        decimal sum = 0;
        return [.. costs.Select(cost => (double)(sum += cost))];
    }

    private static void Line(StringBuilder svg, FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private sealed record Panel(string Title, IReadOnlyList<Curve> Curves);

    private sealed record Curve(string Name, string Colour, double[] Values);
}
