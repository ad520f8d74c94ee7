using System.CommandLine;
using Spectre.Console;
using Strata.HitRatios;

var quick = new Option<bool>("--quick") { Description = "A tenth of the keys and requests: seconds instead of minutes." };
var svg = new Option<string>("--svg") { Description = "Where the chart goes.", DefaultValueFactory = _ => Path.Combine("docs", "hit-ratios.svg") };
var root = new RootCommand("Hit ratios of eviction policies, and of the memory store itself, on generated traces.") { quick, svg };
root.SetAction(async (parsed, cancellationToken) =>
{
    if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 160;
    List<HitRatioRow> rows = [];
    string[] names = [];
    foreach (Trace trace in TraceList.All(parsed.GetValue(quick) ? 10 : 1))
    {
        (names, HitRatioRow row) = await RunAsync(trace);
        rows.Add(row);
        await Console.Error.WriteLineAsync($"{trace.Name} done");
    }

    HitRatioTable.Write(names, rows);
    string path = parsed.GetRequiredValue(svg);
    await File.WriteAllTextAsync(path, HitRatioChart.Draw(names, rows), cancellationToken);
    AnsiConsole.WriteLine($"The chart is in {path}.");
});
return await root.Parse(args).InvokeAsync();

static async Task<(string[] Names, HitRatioRow Row)> RunAsync(Trace trace)
{
    List<string> names = [];
    List<double> ratios = [];
    foreach (Func<Trace, Policy> create in PolicyList.All)
    {
        Policy policy = create(trace);
        names.Add(policy.Name);
        ratios.Add(policy.Run());
        if (policy is IAsyncDisposable store) await store.DisposeAsync();
    }

    return ([.. names], new HitRatioRow(trace.Name, trace.StaticOptimum, ratios));
}
