using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata kv count</c></summary>
internal sealed class KvCountCommand : StrataCommand
{
    private readonly Argument<string?> _prefix = new("PREFIX") { Description = "Keys that begin with it, as a JSON array (default: all).", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _database = KvSource.Option();

    public KvCountCommand()
        : base("count", "Count entries.", "strata kv count", "strata kv count '[\"users\"]'")
    {
        Add(_prefix);
        Add(_database);
    }

    public override string Notes => "With --json: {\"count\"}. Reads all keys, and no value.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        KvSelector selector = KvText.PrefixOf(run.Parsed.GetValue(_prefix));
        await using KvSource source = await KvSource.OpenAsync(run, run.Parsed.GetValue(_database), forWriting: false, cancellationToken);
        long count = await RawCodec.Over(source.Database).CountAsync(selector, cancellationToken);
        run.Report.Result(Columns.Count(count), new KvDoneLine(Count: count), JsonLines.Context.KvDoneLine);
        return ExitCode.Done;
    }
}
