using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata kv delete</c></summary>
internal sealed class KvDeleteCommand : StrataCommand
{
    private readonly Argument<string> _key = new("KEY") { Description = "The key, as a JSON array; with --recursive a prefix." };
    private readonly Option<string?> _database = KvSource.Option();
    private readonly Option<bool> _recursive = new("--recursive", "-r") { Description = "All keys that begin with it, and itself." };

    public KvDeleteCommand()
        : base("delete", "Remove an entry, or all below a key.", "strata kv delete '[\"users\",\"ann\"]'", "strata kv delete -r '[\"sessions\"]'")
    {
        Aliases.Add("rm");
        Add(_key);
        Add(_database);
        Add(_recursive);
    }

    public override string Notes => "With --json: {\"count\"}. A recursive delete goes in batches, each of them atomic; interrupted, it is safe to run again.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        KvKey key = KvText.KeyOf(run.Parsed.GetRequiredValue(_key));
        await using KvSource source = await KvSource.OpenAsync(run, run.Parsed.GetValue(_database), forWriting: false, cancellationToken);
        Kv kv = RawCodec.Over(source.Database);
        bool isThere = await kv.GetAsync<KvValue>(key, cancellationToken: cancellationToken) is not null;
        long count = isThere ? 1 : 0;
        if (run.Parsed.GetValue(_recursive)) count += await kv.DeleteRangeAsync(KvSelector.Prefix(key), null, cancellationToken);
        await kv.DeleteAsync(key, cancellationToken);
        if (count == 0) throw CliException.NotFound($"There is no entry {key}.");
        run.Report.Result($"{Columns.Count(count)} removed", new KvDoneLine(Count: count), JsonLines.Context.KvDoneLine);
        return ExitCode.Done;
    }
}
