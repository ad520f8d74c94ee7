using System.CommandLine;
using Spectre.Console;
using Strata.Benchmarks;

if (args is [ServerProcess.Verb, string kind, string folder]) return await ServerProcess.ServeAsync(kind, folder);

var cases = new Option<string[]>("--case") { Description = "Run only this case (repeatable).", AllowMultipleArgumentsPerToken = true };
var list = new Option<bool>("--list") { Description = "List the cases and stop." };
var quick = new Option<bool>("--quick") { Description = "Short rounds: all cases in about seven minutes, with more noise." };
var rounds = new Option<int?>("--rounds") { Description = "Rounds a lane, at least 5. Default 9, quick 5." };
var json = new Option<string?>("--json") { Description = "Write the rows to this file." };
cases.AcceptOnlyFromAmong([.. CaseList.All.Select(c => c.Name)]);
rounds.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int?>() < 5) result.AddError("--rounds takes a number of at least 5: medians of fewer mean little.");
});

var root = new RootCommand("Strata against its peers and limits, side by side in one run.") { cases, list, quick, rounds, json };
root.SetAction(async (parsed, _) =>
{
    if (Console.IsOutputRedirected)
    {
        AnsiConsole.Profile.Width = 160;
        AnsiConsole.Profile.Capabilities.Ansi = false;
        AnsiConsole.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
    }

    if (parsed.GetValue(list)) return ListCases();
    RunSettings settings = parsed.GetValue(quick) ? RunSettings.Quick : new RunSettings();
    settings = settings with { Rounds = parsed.GetValue(rounds) ?? settings.Rounds };
    string[] chosen = parsed.GetValue(cases) is { Length: > 0 } named ? named : [.. CaseList.All.Select(c => c.Name)];
    return await RunAsync([.. CaseList.All.Where(c => chosen.Contains(c.Name))], settings, parsed.GetValue(json));
});
return await root.Parse(args).InvokeAsync();

static int ListCases()
{
    var table = new Table().Border(TableBorder.None).HideHeaders().AddColumns("", "");
    foreach (BenchmarkCase benchmark in CaseList.All) table.AddRow(Markup.Escape(benchmark.Name), Markup.Escape(benchmark.Summary));
    AnsiConsole.Write(table);
    return 0;
}

static async Task<int> RunAsync(IReadOnlyList<BenchmarkCase> chosen, RunSettings settings, string? json)
{
#if DEBUG
    AnsiConsole.MarkupLine("[red]This is a debug build: its figures mean nothing. Run with -c Release.[/]");
#endif
    AnsiConsole.WriteLine(Surroundings.Describe(settings));
    AnsiConsole.WriteLine();
    var rows = new List<Comparison>();
    foreach (BenchmarkCase benchmark in chosen)
    {
        Contest contest = await RunCaseAsync(benchmark, settings);
        TableReport.Write(benchmark, contest.Rows);
        rows.AddRange(contest.Rows);
        if (json is not null) await JsonReport.WriteAsync(json, rows);
    }

    return 0;
}

static async Task<Contest> RunCaseAsync(BenchmarkCase benchmark, RunSettings settings)
{
    Action<string> progress = _ => { };
    var contest = new Contest(benchmark.Name, settings, text => progress(text));
    if (Console.IsOutputRedirected)
    {
        await benchmark.RunAsync(contest);
        return contest;
    }

    await AnsiConsole.Status().StartAsync(benchmark.Name, async status =>
    {
        progress = text => status.Status = Markup.Escape(text);
        await benchmark.RunAsync(contest);
    });
    return contest;
}
