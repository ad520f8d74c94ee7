using System.CommandLine;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata get</c></summary>
internal sealed class GetCommand : StrataCommand
{
    private readonly Argument<string> _source = new("STORE/KEY") { Description = "The blob to read." };
    private readonly Argument<string?> _local = new("LOCAL")
    {
        Description = "The file to write, a folder for it, or - for standard output (default: the key's last part, here).", Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _range = Reading.RangeOption();

    public GetCommand()
        : base(
            "get",
            "Write a blob to a file, whole or not at all.",
            "strata get main/photos/1.jpg",
            "strata get main/photos/1.jpg copy.jpg",
            "strata get main/logs/today.log tail.log --range -4096")
    {
        Add(_source);
        Add(_local);
        Add(_range);
    }

    public override string Notes => "With --json: one document {\"store\",\"file\",\"offset\",\"length\",\"info\":{…}}; not together with LOCAL -.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address source = run.AddressOf(_source);
        BlobKey key = source.RequireKey();
        string local = run.Parsed.GetValue(_local) ?? ".";
        ReadOptions? options = Reading.OptionsOf(run.Parsed.GetValue(_range));
        bool toOutput = local == "-";
        if (toOutput && run.Report.IsJson) throw CliException.Usage("Standard output cannot take both the blob (-) and --json.");
        string file = toOutput ? local : FileFor(local, key);
        IBlobStore store = await run.Stores.OpenAsync(source, StoreUse.Reading, cancellationToken);
        await using BlobReadResult result = await Reading.OpenAsync(store, source, key, options, cancellationToken);
        if (toOutput)
        {
            await using Stream output = Console.OpenStandardOutput();
            await LocalFile.CopyAsync(result, output, null, cancellationToken);
            return ExitCode.Done;
        }

        await LocalFile.WriteAsync(result, file, null, null, cancellationToken);
        run.Report.Result(
            $"{file}  {ByteSize.Format(result.Length)}  from {source.TiersOf([result.Source])[0]}",
            new ReceivedLine(source.Place, file, result.Offset, result.Length, BlobInfoWire.From(result.Info)),
            JsonLines.Context.ReceivedLine);
        return ExitCode.Done;
    }

    private static string FileFor(string local, BlobKey key)
    {
        if (!Directory.Exists(local) && !Path.EndsInDirectorySeparator(local))
        {
            string folder = Path.GetDirectoryName(Path.GetFullPath(local))!;
            return Directory.Exists(folder) ? local : throw CliException.NotFound($"There is no folder '{folder}' for '{local}'.");
        }

        if (!Directory.Exists(local)) throw CliException.NotFound($"There is no folder '{local}'.");
        string name = key.Value[(key.Value.LastIndexOf('/') + 1)..];
        if (name == "") throw CliException.Usage($"'{key}' ends with /, so it gives a file no name. Name the file: strata get KEY LOCAL.");
        LocalTree.RequireName(name, key.Value);
        return local == "." ? name : Path.Combine(local, name);
    }
}
