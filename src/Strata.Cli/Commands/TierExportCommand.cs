using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata tier export</c></summary>
internal sealed class TierExportCommand : StrataCommand
{
    private readonly Argument<string> _store = TierCommand.Store();

    public TierExportCommand()
        : base("export", "Write what is known of every blob, without its bytes, as JSON lines.", "strata tier export main > main.jsonl", "strata tier export main | gzip > main.jsonl.gz") =>
        Add(_store);

    public override string Notes =>
        """
        A line a blob: metadata, types, expiry, tiers, score and pin; the last line says that it is whole, and 'strata tier import'
        takes nothing without it. Each blob is as it was when it was listed: no single moment.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address store = TierCommand.StoreOf(run, _store);
        TierControl tiers = await TierControl.OpenAsync(run, store, cancellationToken);
        using var progress = new OperationProgress();
        MetadataExport done;
        await using (Stream output = Console.OpenStandardOutput()) done = await tiers.ExportAsync(output, progress, cancellationToken);
        progress.Dispose();
        run.Report.Note($"{Columns.Count(done.Blobs, "blob", "blobs")} of {ByteSize.Format(done.Bytes)} exported.");
        if (done.UnlistedTiers.Count == 0) return ExitCode.Done;
        Report.Error($"{string.Join(", ", done.UnlistedTiers)} could not be listed to the end: the export does not say what is there.");
        return ExitCode.Failed;
    }
}
