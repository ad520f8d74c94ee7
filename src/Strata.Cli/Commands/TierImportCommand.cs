using System.CommandLine;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata tier import</c></summary>
internal sealed class TierImportCommand : StrataCommand
{
    private readonly Argument<string> _store = TierCommand.Store();
    private readonly Argument<string> _file = new("FILE")
    {
        Description = "What export wrote, or - for standard input (the default).", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = _ => "-",
    };

    private readonly Option<bool> _over = new("--over-other-content") { Description = "Also blobs whose bytes are others by now." };

    public TierImportCommand()
        : base("import", "Give blobs that are here the metadata, types and expiry of an export.", "strata tier import main main.jsonl", "gunzip -c main.jsonl.gz | strata tier import main")
    {
        Add(_store);
        Add(_file);
        Add(_over);
    }

    public override string Notes =>
        """
        The whole file is checked before the first change. Blobs that are not here are left out, and counted.
        With --json: one document {"exported","store","blobs","applied","unchanged","missing","otherContent","expired","overtaken"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address store = TierCommand.StoreOf(run, _store);
        string file = run.Parsed.GetRequiredValue(_file);
        if (file != "-") LocalFile.RequireFile(file);
        TierControl tiers = await TierControl.OpenAsync(run, store, cancellationToken);
        await using Stream input = file == "-" ? new InputStream(Console.OpenStandardInput()) : File.OpenRead(file);
        using var progress = new OperationProgress();
        MetadataImport done = await tiers.ImportAsync(input, new ImportMetadataOptions { OverOtherContent = run.Parsed.GetValue(_over) }, progress, cancellationToken);
        progress.Dispose();
        run.Report.Result(Describe(done), done, TieringJson.Context.MetadataImport);
        return ExitCode.Done;
    }

    private static string Describe(MetadataImport done) =>
        $"{Columns.Count(done.Applied)} of {Columns.Count(done.Blobs, "blob", "blobs")} set; {Columns.Count(done.Unchanged)} had it already"
        + (done.Missing > 0 ? $", {Columns.Count(done.Missing)} are not here" : "")
        + (done.OtherContent > 0 ? $", {Columns.Count(done.OtherContent)} have other bytes by now and were left as they are" : "")
        + (done.Expired > 0 ? $", {Columns.Count(done.Expired)} would have expired and were left as they are" : "")
        + (done.Overtaken > 0 ? $", {Columns.Count(done.Overtaken)} were written again and again" : "");
}
