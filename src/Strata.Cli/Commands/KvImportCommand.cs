using System.CommandLine;
using System.Text.Json;
using Strata.Sqlite;

namespace Strata.Cli;

/// <summary><c>strata kv import</c></summary>
internal sealed class KvImportCommand : StrataCommand
{
    private const int MostTogether = 200;
    private const int MostBytes = 512 << 10;
    private readonly Argument<string> _file = new("FILE") { Description = "What export wrote, or - for standard input; or a file of Deno's local KV." };
    private readonly Option<string?> _database = KvSource.Option();

    public KvImportCommand()
        : base("import", "Set the entries that export wrote, or that Deno keeps in a file.", "strata kv import backup.jsonl", "strata kv import backup.jsonl --db sqlite:./app.db", "strata kv import kv.sqlite3")
    {
        Add(_file);
        Add(_database);
    }

    public override string Notes => "Entries are set over those that are there, in batches; the versionstamps are new. What has expired is left out. With --json: {\"count\"}.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        string file = run.Parsed.GetRequiredValue(_file);
        if (file != "-") LocalFile.RequireFile(file);
        if (file != "-" && IsSqlite(file)) return await ImportDenoAsync(run, file, cancellationToken);
        await using Stream input = file == "-" ? new InputStream(Console.OpenStandardInput()) : File.OpenRead(file);
        await using KvSource source = await KvSource.OpenAsync(run, run.Parsed.GetValue(_database), forWriting: true, cancellationToken);
        var import = new KvImport(source.Database, MostTogether, MostBytes);
        using var lines = new StreamReader(input);
        for (long number = 1; await lines.ReadLineAsync(cancellationToken) is { } line; number++)
        {
            if (line.Length == 0) continue;
            KvEntryLine entry = Parse(line, number);
            await import.AddAsync(KvText.KeyOf(entry.Key), new KvValue(entry.Data, entry.Encoding), entry.Expires, cancellationToken);
        }

        return await EndAsync(run, import, cancellationToken);
    }

    private async Task<int> ImportDenoAsync(Run run, string file, CancellationToken cancellationToken)
    {
        await using DenoSqliteFile deno = await DenoSqliteFile.OpenAsync(file, null, cancellationToken);
        await using KvSource source = await KvSource.OpenAsync(run, run.Parsed.GetValue(_database), forWriting: true, cancellationToken);
        var import = new KvImport(source.Database, MostTogether, MostBytes);
        await foreach (KvEntry entry in deno.ReadAsync(cancellationToken)) await import.AddAsync(KvKey.OfEncoded(entry.Key), entry.Value, entry.Expires, cancellationToken);
        long queued = await deno.CountQueuedAsync(cancellationToken);
        if (queued > 0) run.Report.Note($"The file's queue holds {queued} messages, which are not imported.");
        return await EndAsync(run, import, cancellationToken);
    }

    private static bool IsSqlite(string file)
    {
        Span<byte> head = stackalloc byte[16];
        using FileStream stream = File.OpenRead(file);
        return stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length && head.SequenceEqual("SQLite format 3\0"u8);
    }

    private static async Task<int> EndAsync(Run run, KvImport import, CancellationToken cancellationToken)
    {
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
