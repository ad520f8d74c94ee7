using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata kv get</c></summary>
internal sealed class KvGetCommand : StrataCommand
{
    private readonly Argument<string> _key = new("KEY") { Description = "The key, as a JSON array." };
    private readonly Option<string?> _database = KvSource.Option();
    private readonly Option<bool> _raw = new("--raw") { Description = "The value's bytes as they are kept, without a line end." };

    public KvGetCommand()
        : base("get", "Show a value.", "strata kv get '[\"users\",\"ann\"]'", "strata kv get '[\"logo\"]' --raw > logo.png", "strata kv get '[\"n\"]' --db sqlite:./app.db --json")
    {
        Add(_key);
        Add(_database);
        Add(_raw);
    }

    public override string Notes => "With --json: {\"key\",\"encoding\",\"data\" in base64,\"value\",\"versionstamp\",\"expires\"}.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        KvKey key = KvText.KeyOf(run.Parsed.GetRequiredValue(_key));
        bool isRaw = run.Parsed.GetValue(_raw);
        if (isRaw && run.Report.IsJson) throw CliException.Usage("Standard output cannot take both --raw and --json.");
        await using KvSource source = await KvSource.OpenAsync(run, run.Parsed.GetValue(_database), forWriting: false, cancellationToken);
        KvEntry<KvValue> entry = await RawCodec.Over(source.Database).GetAsync<KvValue>(key, cancellationToken: cancellationToken) ?? throw CliException.NotFound($"There is no entry {key}.");
        if (isRaw)
        {
            await using Stream output = Console.OpenStandardOutput();
            await output.WriteAsync(entry.Value.Data, cancellationToken);
            return ExitCode.Done;
        }

        run.Report.Result(KvText.Show(entry.Value), KvEntryLine.Of(entry), JsonLines.Context.KvEntryLine);
        return ExitCode.Done;
    }
}
