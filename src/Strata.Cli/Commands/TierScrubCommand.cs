using System.CommandLine;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata tier scrub</c></summary>
internal sealed class TierScrubCommand : StrataCommand
{
    private readonly Argument<string> _target = new("STORE[/KEY]") { Description = "The store, or the folder below KEY/." };
    private readonly Option<bool> _bytes = new("--read-bytes") { Description = "Read every copy, and compare its bytes with their checksum." };
    private readonly Option<bool> _origin = new("--read-origin") { Description = "Read every blob of the origin too: all that is stored." };
    private readonly Option<string?> _after = new("--after") { Description = "Go on behind this key, which an earlier scrub named.", HelpName = "KEY" };
    private readonly Option<long?> _keys = new("--max-keys") { Description = "The most keys of this run (default: all).", HelpName = "COUNT" };
    private readonly Option<string?> _rate = new("--rate") { Description = "The most bytes read a second: 20MiB (default: as fast as it goes).", HelpName = "SIZE" };
    private readonly Option<bool> _drop = new("--drop") { Description = "Wrong copies are dropped alone, not made again." };
    private readonly Option<bool> _dryRun = new("--dry-run", "-n") { Description = "Only say what is wrong." };

    public TierScrubCommand()
        : base("scrub", "Compare every copy with the origin, and mend what is wrong.", "strata tier scrub main", "strata tier scrub main/photos --read-bytes --rate 20MiB", "strata tier scrub main --read-bytes --read-origin --dry-run")
    {
        Add(_target);
        foreach (Option option in (Option[])[_bytes, _origin, _after, _keys, _rate, _drop, _dryRun]) Add(option);
    }

    public override string Notes =>
        """
        A copy that is wrong is dropped and made again; a damaged blob of the origin is written again from a good copy of the very
        same write. The exit code is 1 if something is left that is wrong.
        With --json: one document {"keys","copies","bytes","stale","orphans","damagedCopies","damagedOrigin","unreadable","dropped","remade",
        "repaired","inDoubt","findings":[{"key","tier","fault","remedy","detail"}],"after","isClean"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address target = run.AddressOf(_target);
        var options = new ScrubOptions
        {
            Prefix = target.Key is "" || target.Key.EndsWith('/') ? target.Key : target.Key + "/",
            After = run.Parsed.GetValue(_after),
            MaxKeys = TierCommand.CountOf(run.Parsed.GetValue(_keys), "--max-keys"),
            ReadBytes = run.Parsed.GetValue(_bytes),
            ReadOrigin = run.Parsed.GetValue(_origin),
            BytesPerSecond = TierCommand.SizeOf(run.Parsed.GetValue(_rate), "--rate"),
            Remake = !run.Parsed.GetValue(_drop),
            DryRun = run.Parsed.GetValue(_dryRun),
        };
        TierControl tiers = await TierControl.OpenAsync(run, target, cancellationToken);
        using var progress = new OperationProgress();
        ScrubReport report = await tiers.ScrubAsync(options, progress, cancellationToken);
        progress.Dispose();
        run.Report.Result(string.Join('\n', Describe(report)), report, TieringJson.Context.ScrubReport);
        return Faults(report) > report.Dropped + report.Repaired ? ExitCode.Failed : ExitCode.Done;
    }

    private static long Faults(ScrubReport report) => report.Stale + report.Orphans + report.DamagedCopies + report.DamagedOrigin + report.Unreadable;

    private static IEnumerable<string> Describe(ScrubReport report)
    {
        foreach (ScrubFinding finding in report.Findings) yield return $"{finding.Tier}: {(finding.Key is { } key ? $"{key}: " : "")}{finding.Fault}, {Words(finding.Remedy)}. {finding.Detail}";
        if (Faults(report) > report.Findings.Count) yield return $"and {Columns.Count(Faults(report) - report.Findings.Count)} more that are not named";
        string found = report.IsClean ? "nothing is wrong" : $"{Columns.Count(Faults(report), "fault", "faults")}; {Columns.Count(report.Dropped)} dropped, {Columns.Count(report.Remade)} of them made again, {Columns.Count(report.Repaired)} repaired at the origin";
        yield return $"{Columns.Count(report.Keys, "key", "keys")}, {Columns.Count(report.Copies, "copy", "copies")}{(report.Bytes > 0 ? $", {ByteSize.Format(report.Bytes)} read" : "")}: {found}"
            + (report.InDoubt > 0 ? $"; {Columns.Count(report.InDoubt, "key", "keys")} passed over, as a change of unknown outcome is pending" : "");
        if (report.After is { } after) yield return $"go on with --after '{after}'";
    }

    private static string Words(ScrubRemedy remedy) => remedy switch
    {
        ScrubRemedy.Dropped => "dropped",
        ScrubRemedy.Remade => "made again",
        ScrubRemedy.Repaired => "written again",
        _ => "left as it is",
    };
}
