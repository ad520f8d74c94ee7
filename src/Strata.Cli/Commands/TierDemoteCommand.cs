using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata tier demote</c></summary>
internal sealed class TierDemoteCommand : StrataCommand
{
    private readonly Argument<string> _blob = TierCommand.Blob();
    private readonly Argument<string?> _tier = new("TIER") { Description = "The tier (default: the next slower one).", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<bool> _keep = new("--keep") { Description = "The faster tiers keep their copies: the slower one merely gets one." };

    public TierDemoteCommand()
        : base("demote", "Take a blob to a slower tier now.", "strata tier demote main/photos/1.jpg", "strata tier demote main/photos/1.jpg cold", "strata tier demote main/photos/1.jpg warm --keep")
    {
        Add(_blob);
        Add(_tier);
        Add(_keep);
    }

    public override string Notes =>
        """
        A read may bring it back; 'strata tier pin' keeps it there.
        With --json: one document {"store","key","status":"Moved|Unchanged"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address blob = run.AddressOf(_blob);
        BlobKey key = blob.RequireKey();
        string? tier = run.Parsed.GetValue(_tier);
        TierControl tiers = await TierControl.OpenAsync(run, blob, cancellationToken);
        MoveStatus status = await tiers.DemoteAsync(key, tier, run.Parsed.GetValue(_keep), cancellationToken);
        return MoveWords.Report(run, blob, key, status, $"is in {tier ?? "the next slower tier"} now", tier is null ? "is in the slowest tier already" : $"is in {tier} already, or in a slower tier");
    }
}
