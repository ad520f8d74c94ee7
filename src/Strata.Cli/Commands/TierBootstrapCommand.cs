using System.CommandLine;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata tier bootstrap</c></summary>
internal sealed class TierBootstrapCommand : StrataCommand
{
    private readonly Argument<string> _store = TierCommand.Store();
    private readonly Argument<string> _tier = new("TIER") { Description = "The tier to fill." };
    private readonly Option<string?> _from = new("--from") { Description = "The slower tier to fill it from (default: the next one).", HelpName = "TIER" };
    private readonly Option<string> _by = new("--by") { Description = "What comes first: score (used most) or modified (written last).", HelpName = "ORDER", DefaultValueFactory = _ => "score" };
    private readonly Option<string?> _since = new("--since") { Description = "Only blobs modified at this time or later.", HelpName = "TIME" };
    private readonly Option<string> _prefix = new("--prefix") { Description = "Only keys that begin with this.", HelpName = "TEXT", DefaultValueFactory = _ => "" };
    private readonly Option<int> _limit = new("--limit") { Description = "The most blobs, 1 to 1,000,000.", HelpName = "COUNT", DefaultValueFactory = _ => new BootstrapOptions().Limit };
    private readonly Option<string?> _bytes = new("--max-bytes") { Description = "The most bytes (default: the tier's capacity).", HelpName = "SIZE" };
    private readonly Option<int> _parallel = new("--parallel", "-j") { Description = "Copies side by side, 1 to 64.", HelpName = "COUNT", DefaultValueFactory = _ => new BootstrapOptions().Parallelism };

    public TierBootstrapCommand()
        : base("bootstrap", "Fill a tier from a slower one, the best blobs first.", "strata tier bootstrap main hot", "strata tier bootstrap main warm --by modified --since 2026-01-01 --max-bytes 10GiB", "strata tier bootstrap main hot --prefix images/ --limit 500")
    {
        _by.CompletionSources.Add("score", "modified");
        Add(_store);
        Add(_tier);
        foreach (Option option in (Option[])[_from, _by, _since, _prefix, _limit, _bytes, _parallel]) Add(option);
    }

    public override string Notes =>
        """
        It may be stopped, and begun again: what is there is not copied twice. A write meanwhile wins over the copy.
        With --json: one document {"from","examined","copied","bytes","unchanged","refused","overtaken","failed"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address store = TierCommand.StoreOf(run, _store);
        string tier = run.Parsed.GetRequiredValue(_tier);
        BootstrapOptions options = OptionsOf(run);
        TierControl tiers = await TierControl.OpenAsync(run, store, cancellationToken);
        using var progress = new OperationProgress();
        BootstrapResult done = await tiers.BootstrapAsync(tier, options, progress, cancellationToken);
        progress.Dispose();
        run.Report.Result(Describe(tier, done), done, TieringJson.Context.BootstrapResult);
        return done.Failed > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    private BootstrapOptions OptionsOf(Run run)
    {
        string by = run.Parsed.GetRequiredValue(_by);
        int limit = run.Parsed.GetValue(_limit), parallelism = run.Parsed.GetValue(_parallel);
        if (limit is < 1 or > 1_000_000) throw CliException.Usage($"--limit takes 1 to 1,000,000; this is {limit}.");
        if (parallelism is < 1 or > 64) throw CliException.Usage($"--parallel takes 1 to 64; this is {parallelism}.");
        return new BootstrapOptions
        {
            From = run.Parsed.GetValue(_from),
            By = by switch { "score" => BootstrapOrder.Score, "modified" => BootstrapOrder.Modified, _ => throw CliException.Usage($"--by takes score or modified; this is '{by}'.") },
            Since = run.Parsed.GetValue(_since) is { } since ? Times.Moment(since, "--since") : null,
            Prefix = run.Parsed.GetRequiredValue(_prefix),
            Limit = limit,
            MaxBytes = TierCommand.SizeOf(run.Parsed.GetValue(_bytes), "--max-bytes"),
            Parallelism = parallelism,
        };
    }

    private static string Describe(string tier, BootstrapResult done) =>
        $"{tier}: {Columns.Count(done.Copied, "copy", "copies")} made from {done.From} ({ByteSize.Format(done.Bytes)}); {Columns.Count(done.Examined)} looked at, {Columns.Count(done.Unchanged)} there already"
        + (done.Refused > 0 ? $", {Columns.Count(done.Refused)} too long" : "")
        + (done.Overtaken > 0 ? $", {Columns.Count(done.Overtaken)} written or deleted meanwhile" : "")
        + (done.Failed > 0 ? $", {Columns.Count(done.Failed)} failed ('strata tier status' tells the last error)" : "");
}
