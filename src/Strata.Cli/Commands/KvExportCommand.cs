using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata kv export</c></summary>
internal sealed class KvExportCommand : StrataCommand
{
    private readonly Argument<string?> _prefix = new("PREFIX") { Description = "Keys that begin with it, as a JSON array (default: all).", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _database = KvSource.Option();

    public KvExportCommand()
        : base("export", "Write entries as JSON lines, exactly, for import.", "strata kv export > backup.jsonl", "strata kv export '[\"users\"]' --db sqlite:./app.db | strata kv import -")
    {
        Add(_prefix);
        Add(_database);
    }

    public override string Notes => "A line an entry: {\"key\",\"encoding\",\"data\" in base64,\"value\",\"versionstamp\",\"expires\"}. Read batch by batch: what is written meanwhile may be in it or not.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        KvSelector selector = KvText.PrefixOf(run.Parsed.GetValue(_prefix));
        await using KvSource source = await KvSource.OpenAsync(run, run.Parsed.GetValue(_database), forWriting: false, cancellationToken);
        if (!source.Database.Capabilities.TellsExpiry) run.Report.Note("This database does not tell when entries expire: the export has them without.");
        await foreach (KvEntry<KvValue> entry in RawCodec.Over(source.Database).ListAsync<KvValue>(selector, null, cancellationToken)) run.Report.Json(KvEntryLine.Of(entry), JsonLines.Context.KvEntryLine);
        return ExitCode.Done;
    }
}
