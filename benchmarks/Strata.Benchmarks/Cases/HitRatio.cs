using Strata.HitRatios;

namespace Strata.Benchmarks;

/// <summary>
/// What the memory store hits, against simulated policies at equal bytes of values. The traces are those of
/// <c>Strata.HitRatios</c>, which runs them at full size and draws the chart; nothing here depends on the machine.
/// </summary>
internal sealed class HitRatio : BenchmarkCase
{
    private const int Fewer = 5;
    private const string Quoted = "S3-FIFO";

    /// <summary>How far behind the best policy we may be: one point.</summary>
    private const double MostBehind = 0.01;
    private const double OfOptimum = 0.97;

    public override string Name => "hit-ratio";

    public override string Summary => "hits of the memory store in percent of the requests, 200,000 keys and a budget for 20,000, against the best of six simulated policies and the static optimum";

    public override async Task RunAsync(Contest contest)
    {
        foreach (Trace trace in TraceList.All(Fewer)) await RunAsync(contest, trace);
    }

    private static async Task RunAsync(Contest contest, Trace trace)
    {
        HitRatioRow row = await HitRatioRun.OfAsync(trace);
        var ours = new Series("Strata", [100 * row.Ratios[^1]]);
        Add(row.Names[row.BestIndex], row.Best, trace.IsLoop ? null : (row.Best - MostBehind) / row.Best);
        if (trace.StaticOptimum is { } optimum) Add("static optimum", optimum, OfOptimum);
        if (row.Names[row.BestIndex] != Quoted) Add(Quoted, row.Ratios[row.Names.IndexOf(Quoted)], null);

        void Add(string peer, double ratio, double? target) => contest.Higher(trace.Name, "% hits", ours, new Series(peer, [100 * ratio]), target);
    }
}
