using System.CommandLine;
using Spectre.Console;
using Strata.TieringYear;

var quick = new Option<bool>("--quick") { Description = "A tenth of the keys and requests: a minute instead of a quarter of an hour." };
var svg = new Option<string>("--svg") { Description = "Where the chart goes.", DefaultValueFactory = _ => Path.Combine("docs", "tiering-year.svg") };
var root = new RootCommand("A year of reads and writes of a tiered store, simulated: where the default settings put a million blobs, and what that costs.") { quick, svg };
root.SetAction(async (parsed, cancellationToken) =>
{
    if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 160;
    var settings = new YearSettings();
    if (parsed.GetValue(quick)) settings = settings with { Keys = settings.Keys / 10, RequestsADay = settings.RequestsADay / 10, FallenADay = settings.FallenADay / 10 };
    await using YearRun run = await YearRun.BeginAsync(settings);
    for (int day = 0; day < YearSettings.Days; day++)
    {
        await run.RunDayAsync(cancellationToken);
        if (day % 30 == 29) await Console.Error.WriteLineAsync($"{day + 1} days");
    }

    YearTable.Write(run);
    string path = parsed.GetRequiredValue(svg);
    await File.WriteAllTextAsync(path, YearChart.Draw(run), cancellationToken);
    AnsiConsole.WriteLine($"The chart is in {path}.");
});
return await root.Parse(args).InvokeAsync();
