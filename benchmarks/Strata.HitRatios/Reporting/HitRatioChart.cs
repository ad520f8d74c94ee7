using System.Globalization;
using System.Text;

namespace Strata.HitRatios;

/// <summary>
/// The chart: a row a trace, a dot a policy, as many points behind the best peer as it stands to the left of the line; what is
/// further behind than the axis reaches stands at its end. No scripts, no fonts of its own.
/// </summary>
internal static class HitRatioChart
{
    private const int Width = 960;
    private const int Left = 190;
    private const int Right = 130;
    private const int Top = 92;
    private const int RowHeight = 74;
    private const double MostBehind = 16;
    private const double MostAhead = 2;
    private static readonly string[] Colours = ["#9aa0a6", "#c58af9", "#4f8df5", "#e8a33d", "#2aa198", "#b5651d", "#f28b82", "#d93025"];

    public static string Draw(IReadOnlyList<HitRatioRow> rows)
    {
        IList<string> policies = rows[0].Names;
        int height = Top + (rows.Count * RowHeight) + 50;
        var svg = new StringBuilder();
        Line($"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" font-family="sans-serif" font-size="13" fill="#202124">""");
        Line($"""<title>Hit ratio of eviction policies, in points behind the best peer of each trace</title>""");
        Line($"""<rect width="{Width}" height="{height}" fill="#ffffff"/>""");
        Line($"""<text x="20" y="30" font-size="17" font-weight="bold">Hit ratio, in points behind the best peer of each trace</text>""");
        Legend();
        Axis();
        for (int i = 0; i < rows.Count; i++) Row(rows[i], Top + (i * RowHeight));
        Line($"</svg>");
        return svg.ToString();

        void Legend()
        {
            for (int i = 0; i < policies.Count; i++)
            {
                int x = 24 + (i * 112);
                Dot(x, 56, i);
                Line($"""<text x="{x + 12}" y="60">{policies[i]}</text>""");
            }
        }

        void Axis()
        {
            for (int points = -(int)MostBehind; points <= MostAhead; points += 2)
            {
                double x = X(points);
                Line($"""<line x1="{x:0.#}" y1="{Top}" x2="{x:0.#}" y2="{height - 44}" stroke="{(points == 0 ? "#5f6368" : "#e8eaed")}"/>""");
                Line($"""<text x="{x:0.#}" y="{height - 24}" text-anchor="middle" fill="#5f6368">{(points == 0 ? "best" : $"{points:+0;−0}")}</text>""");
            }
        }

        void Row(HitRatioRow row, int y)
        {
            string[] name = row.Trace.Split(", ");
            Line($"""<line x1="20" y1="{y}" x2="{Width - 20}" y2="{y}" stroke="#dadce0"/>""");
            for (int i = 0; i < name.Length; i++) Line($"""<text x="20" y="{y + 32 + (i * 18)}"{(i == 0 ? " font-weight=\"bold\"" : "")}>{name[i]}</text>""");
            Line($"""<text x="{Width - 20}" y="{y + 32}" text-anchor="end">best {100 * row.Best:0.0} %</text>""");
            Line($"""<text x="{Width - 20}" y="{y + 50}" text-anchor="end" fill="{Colours[policies.Count - 1]}">{policies[^1]} {100 * row.Ratios[^1]:0.0} %</text>""");
            for (int i = 0; i < row.Ratios.Count; i++) Dot(X(100 * (row.Ratios[i] - row.Best)), y + 9 + (i * 8), i);
        }

        void Dot(double x, double y, int policy) =>
            Line($"""<circle cx="{x:0.#}" cy="{y:0.#}" r="{(policy == policies.Count - 1 ? 5.5 : 4)}" fill="{Colours[policy]}"><title>{policies[policy]}</title></circle>""");

        void Line(FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    private static double X(double points) =>
        Left + ((Width - Left - Right) * (Math.Clamp(points, -MostBehind, MostAhead) + MostBehind) / (MostBehind + MostAhead));
}
