using System.CommandLine;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata tier run</c></summary>
internal sealed class TierRunCommand : StrataCommand
{
    private readonly Argument<string> _store = TierCommand.Store();
    private readonly Option<bool> _dryRun = new("--dry-run", "-n") { Description = "Only say what would be moved." };
    private readonly Option<long?> _operations = new("--max-operations") { Description = "The most blobs to move (default: all that are due).", HelpName = "COUNT" };
    private readonly Option<string?> _bytes = new("--max-bytes") { Description = "The most bytes to copy: 64MiB, 1.5GB (default: no limit).", HelpName = "SIZE" };
    private readonly Option<int> _list = new("--list") { Description = "With --dry-run: the most moves to name, 0 to 100,000.", HelpName = "COUNT", DefaultValueFactory = _ => new TieringRun().MaxListed };

    public TierRunCommand()
        : base("run", "Take the blobs that are due to the tier where they belong.", "strata tier run main", "strata tier run main --dry-run --list 20", "strata tier run main --max-operations 10000 --max-bytes 1GiB")
    {
        Add(_store);
        Add(_dryRun);
        Add(_operations);
        Add(_bytes);
        Add(_list);
    }

    public override string Notes =>
        """
        It costs what is due, not what is stored, waits for a run that is under way, and may be stopped: what is left stays due.
        With --json: one document {"isDryRun","began","elapsed","lookedAt","promoted","demoted","bytes","refused","overtaken","failed",
        "firstError","left","end":"Done|Budget|Failures","planned":[{"key","from","to","length","cause"}]}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address store = TierCommand.StoreOf(run, _store);
        int list = run.Parsed.GetValue(_list);
        if (list is < 0 or > 100_000) throw CliException.Usage($"--list takes 0 to 100,000; this is {list}.");
        var options = new TieringRun
        {
            DryRun = run.Parsed.GetValue(_dryRun),
            MaxOperations = TierCommand.CountOf(run.Parsed.GetValue(_operations), "--max-operations"),
            MaxBytes = TierCommand.SizeOf(run.Parsed.GetValue(_bytes), "--max-bytes"),
            MaxListed = list,
        };
        TierControl tiers = await TierControl.OpenAsync(run, store, cancellationToken);
        using var progress = new OperationProgress();
        TieringReport report = await tiers.RunAsync(options, progress, cancellationToken);
        progress.Dispose();
        run.Report.Result(string.Join('\n', Describe(report)), report, TieringJson.Context.TieringReport);
        return report.Failed > 0 || report.End == TieringEnd.Failures ? ExitCode.Failed : ExitCode.Done;
    }

    private static IEnumerable<string> Describe(TieringReport report)
    {
        foreach (PlannedMove move in report.Planned) yield return $"{move.From} -> {move.To}  {ByteSize.Format(move.Length),9}  {move.Key}  ({move.Cause})";
        string would = report.IsDryRun ? "would be " : "";
        yield return $"{Columns.Count(report.LookedAt)} looked at: {would}{Columns.Count(report.Promoted)} promoted, {Columns.Count(report.Demoted)} demoted, {ByteSize.Format(report.Bytes)} copied"
            + (report.Refused > 0 ? $"; {Columns.Count(report.Refused)} refused by their tier" : "")
            + (report.Overtaken > 0 ? $"; {Columns.Count(report.Overtaken)} written meanwhile" : "")
            + (report.Failed > 0 ? $"; {Columns.Count(report.Failed)} failed: {report.FirstError}" : "")
            + (report.Left > 0 ? $"; {Columns.Count(report.Left)}{(report.Left == TieringReport.MostCountedLeft ? " or more" : "")} left for later" : "")
            + (report.End == TieringEnd.Failures ? "; ended, as blob after blob failed" : "");
    }
}
