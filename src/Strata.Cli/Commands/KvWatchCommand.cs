using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata kv watch</c></summary>
internal sealed class KvWatchCommand : StrataCommand
{
    private readonly Argument<string[]> _keys = new("KEY") { Description = "Keys, each a JSON array.", Arity = ArgumentArity.OneOrMore };
    private readonly Option<string?> _database = KvSource.Option();

    public KvWatchCommand()
        : base("watch", "Show keys now and whenever they change, until Ctrl-C.", "strata kv watch '[\"config\"]'", "strata kv watch '[\"a\"]' '[\"b\"]' --json")
    {
        Add(_keys);
        Add(_database);
    }

    public override string Notes => "A key that changed is a line; changes that come quickly are one. With --json as of 'kv get'; {\"key\",\"missing\":true} for a key without an entry.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        KvKey[] keys = [.. run.Parsed.GetRequiredValue(_keys).Select(KvText.KeyOf)];
        await using KvSource source = await KvSource.OpenAsync(run, run.Parsed.GetValue(_database), forWriting: false, cancellationToken);
        IReadOnlyList<KvEntry<KvValue>?>? before = null;
        await foreach (IReadOnlyList<KvEntry<KvValue>?> now in RawCodec.Over(source.Database).WatchAsync<KvValue>(keys, cancellationToken))
        {
            for (int i = 0; i < keys.Length; i++)
            {
                if (before is not null && before[i]?.Versionstamp == now[i]?.Versionstamp) continue;
                if (now[i] is { } entry) run.Report.Result($"{entry.Key}  {KvText.Show(entry.Value)}", KvEntryLine.Of(entry), JsonLines.Context.KvEntryLine);
                else run.Report.Result($"{keys[i]}  (no entry)", new KvKeyLine(keys[i].ToString(), Missing: true), JsonLines.Context.KvKeyLine);
            }

            run.Report.Flush();
            before = now;
        }

        return ExitCode.Done;
    }
}
