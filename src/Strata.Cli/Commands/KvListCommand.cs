using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata kv list</c></summary>
internal sealed class KvListCommand : StrataCommand
{
    private readonly Argument<string?> _prefix = new("PREFIX") { Description = "Keys that begin with it, as a JSON array (default: all).", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _database = KvSource.Option();
    private readonly Option<string?> _start = new("--start") { Description = "From this key on.", HelpName = "KEY" };
    private readonly Option<string?> _end = new("--end") { Description = "Up to this key, without it.", HelpName = "KEY" };
    private readonly Option<long?> _limit = new("--limit") { Description = "At most this many.", HelpName = "COUNT" };
    private readonly Option<bool> _reverse = new("--reverse") { Description = "From the last key down." };
    private readonly Option<bool> _keys = new("--keys") { Description = "Keys without values." };
    private readonly Option<string?> _cursor = new("--cursor") { Description = "Go on where a list ended: the cursor that it told.", HelpName = "CURSOR" };

    public KvListCommand()
        : base("list", "List entries in the order of their keys.", "strata kv list", "strata kv list '[\"users\"]' --limit 20", "strata kv list '[\"log\"]' --start '[\"log\",\"2026\"]' --keys")
    {
        Aliases.Add("ls");
        Add(_prefix);
        Add(_database);
        Add(_start);
        Add(_end);
        Add(_limit);
        Add(_reverse);
        Add(_keys);
        Add(_cursor);
    }

    public override string Notes => "With --json, a line an entry, as of 'kv get'; {\"key\"} with --keys; at the limit a last line {\"cursor\"}.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        long? limit = run.Parsed.GetValue(_limit);
        if (limit < 1) throw CliException.Usage($"--limit takes 1 or more; this is {limit}.");
        KvSelector selector = SelectorOf(run.Parsed.GetValue(_prefix), run.Parsed.GetValue(_start), run.Parsed.GetValue(_end));
        var options = new KvListOptions { Limit = limit, Reverse = run.Parsed.GetValue(_reverse), Cursor = run.Parsed.GetValue(_cursor) };
        await using KvSource source = await KvSource.OpenAsync(run, run.Parsed.GetValue(_database), forWriting: false, cancellationToken);
        Kv kv = RawCodec.Over(source.Database);
        long count = 0;
        KvKey last = default;
        if (run.Parsed.GetValue(_keys))
        {
            await foreach (KvKey key in kv.ListKeysAsync(selector, options, cancellationToken))
            {
                run.Report.Result(key.ToString(), new KvKeyLine(key.ToString()), JsonLines.Context.KvKeyLine);
                (count, last) = (count + 1, key);
            }
        }
        else
        {
            await foreach (KvEntry<KvValue> entry in kv.ListAsync<KvValue>(selector, options, cancellationToken))
            {
                string expires = entry.Expires is { } at ? $"  (expires {Columns.Time(at)})" : "";
                run.Report.Result($"{entry.Key}  {KvText.Show(entry.Value)}{expires}", KvEntryLine.Of(entry), JsonLines.Context.KvEntryLine);
                (count, last) = (count + 1, entry.Key);
            }
        }

        if (count < limit || count == 0) return ExitCode.Done;
        string cursor = selector.CursorAfter(last);
        if (run.Report.IsJson) run.Report.Json(new KvDoneLine(Cursor: cursor), JsonLines.Context.KvDoneLine);
        else if (limit is not null) run.Report.Note($"These are {limit} entries; there may be more: --cursor {cursor}");
        return ExitCode.Done;
    }

    private static KvSelector SelectorOf(string? prefix, string? start, string? end)
    {
        if (start is null && end is null) return KvText.PrefixOf(prefix);
        KvKey? from = start is null ? null : KvText.KeyOf(start), to = end is null ? null : KvText.KeyOf(end);
        return KvSelector.Prefix(prefix is null or "[]" ? default : KvText.KeyOf(prefix), from, to);
    }
}
