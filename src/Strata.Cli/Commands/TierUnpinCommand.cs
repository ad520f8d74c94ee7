using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata tier unpin</c></summary>
internal sealed class TierUnpinCommand : StrataCommand
{
    private readonly Argument<string> _blob = new("STORE/KEY") { Description = "The key." };

    public TierUnpinCommand()
        : base("unpin", "Take a pin away: use and rules decide again.", "strata tier unpin main/index.html") =>
        Add(_blob);

    public override string Notes => "With --json: one document {\"store\",\"key\",\"wasPinned\"}. A key that was not pinned is no error.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address blob = run.AddressOf(_blob);
        BlobKey key = blob.RequireKey();
        TierControl tiers = await TierControl.OpenAsync(run, blob, cancellationToken);
        bool wasPinned = await tiers.UnpinAsync(key, cancellationToken);
        run.Report.Result($"{blob.Text} {(wasPinned ? "is not pinned any more" : "was not pinned")}", new MovedLine(blob.Place, key.Value, WasPinned: wasPinned), JsonLines.Context.MovedLine);
        return ExitCode.Done;
    }
}
