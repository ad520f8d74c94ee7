using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata cat</c></summary>
internal sealed class CatCommand : StrataCommand
{
    // A multiple of 3, so that the pieces' base64 can be joined.
    private const int PieceBytes = 48 * 1024;

    private readonly Argument<string> _source = new("STORE/KEY") { Description = "The blob to read." };
    private readonly Option<string?> _range = Reading.RangeOption();

    public CatCommand()
        : base(
            "cat",
            "Write a blob to standard output.",
            "strata cat main/notes.txt",
            "strata cat main/backups/site.tar | tar t",
            "strata cat main/logs/today.log --range -1000")
    {
        Add(_source);
        Add(_range);
    }

    public override string Notes => "With --json: lines {\"offset\",\"data\"} with pieces of the blob in base64.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address source = run.AddressOf(_source);
        BlobKey key = source.RequireKey();
        ReadOptions? options = Reading.OptionsOf(run.Parsed.GetValue(_range));
        IBlobStore store = await run.Stores.OpenAsync(source, StoreUse.Reading, cancellationToken);
        await using BlobReadResult result = await Reading.OpenAsync(store, source, key, options, cancellationToken);
        if (run.Report.IsJson)
        {
            await WritePiecesAsync(run.Report, result, cancellationToken);
            return ExitCode.Done;
        }

        await using Stream output = Console.OpenStandardOutput();
        await LocalFile.CopyAsync(result, output, null, cancellationToken);
        return ExitCode.Done;
    }

    private static async Task WritePiecesAsync(Report report, BlobReadResult result, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[PieceBytes];
        await using Stream stream = result.OpenStream();
        for (long offset = result.Offset; ;)
        {
            int read = await stream.ReadAtLeastAsync(buffer, PieceBytes, throwOnEndOfStream: false, cancellationToken);
            if (read == 0) return;
            report.Json(new PieceLine(offset, buffer.AsMemory(0, read)), JsonLines.Context.PieceLine);
            offset += read;
        }
    }
}
