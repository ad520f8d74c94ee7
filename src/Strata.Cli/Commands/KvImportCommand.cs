using System.CommandLine;
using System.Text.Json;

namespace Strata.Cli;

/// <summary><c>strata kv import</c></summary>
internal sealed class KvImportCommand : StrataCommand
{
    private const int MostTogether = 200;
    private const int MostBytes = 512 << 10;
    private readonly Argument<string> _file = new("FILE") { Description = "What export wrote, or - for standard input." };
    private readonly Option<string?> _database = KvSource.Option();

    public KvImportCommand()
        : base("import", "Set the entries that export wrote.", "strata kv import backup.jsonl", "strata kv import backup.jsonl --db sqlite:./app.db")
    {
        Add(_file);
        Add(_database);
    }

    public override string Notes => "Entries are set over those that are there, in batches; the versionstamps are new. What has expired is left out. With --json: {\"count\"}.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        string file = run.Parsed.GetRequiredValue(_file);
        if (file != "-") LocalFile.RequireFile(file);
        await using Stream input = file == "-" ? new InputStream(Console.OpenStandardInput()) : File.OpenRead(file);
        await using KvSource source = await KvSource.OpenAsync(run, run.Parsed.GetValue(_database), forWriting: true, cancellationToken);
        var import = new KvImport(source.Database, MostTogether, MostBytes);
        using var lines = new StreamReader(input);
        for (long number = 1; await lines.ReadLineAsync(cancellationToken) is { } line; number++)
        {
            if (line.Length == 0) continue;
            await import.AddAsync(Parse(line, number), cancellationToken);
        }

        await import.EndAsync(cancellationToken);
        run.Report.Result($"{Columns.Count(import.Count)} imported{(import.Expired > 0 ? $", {Columns.Count(import.Expired)} expired and left out" : "")}", new KvDoneLine(Count: import.Count), JsonLines.Context.KvDoneLine);
        return ExitCode.Done;
    }

    private static KvEntryLine Parse(string line, long number)
    {
        try
        {
            KvEntryLine? entry = JsonSerializer.Deserialize(line, JsonLines.Context.KvEntryLine);
            return entry is { Data: not null, Key: not null } ? entry : throw new JsonException("It has no key or no data.");
        }
        catch (JsonException e)
        {
            throw CliException.Usage($"Line {number} is none that 'strata kv export' wrote: {e.Message} What came before it has been imported.");
        }
    }
}
