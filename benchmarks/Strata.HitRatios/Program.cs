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
    foreach (Trace trace in TraceList.All(parsed.GetValue(quick) ? 10 : 1))
    {
        rows.Add(await HitRatioRun.OfAsync(trace));
        await Console.Error.WriteLineAsync($"{trace.Name} done");
    }

    HitRatioTable.Write(rows);
    string path = parsed.GetRequiredValue(svg);
    await File.WriteAllTextAsync(path, HitRatioChart.Draw(rows), cancellationToken);
    AnsiConsole.WriteLine($"The chart is in {path}.");
});
return await root.Parse(args).InvokeAsync();
