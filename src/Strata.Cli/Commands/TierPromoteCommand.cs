using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata tier promote</c></summary>
internal sealed class TierPromoteCommand : StrataCommand
{
    private readonly Argument<string> _blob = TierCommand.Blob();
    private readonly Argument<string?> _tier = new("TIER") { Description = "The tier (default: the next faster one).", Arity = ArgumentArity.ZeroOrOne };

    public TierPromoteCommand()
        : base("promote", "Take a blob to a faster tier now.", "strata tier promote main/photos/1.jpg", "strata tier promote main/photos/1.jpg hot")
    {
        Add(_blob);
        Add(_tier);
    }

    public override string Notes =>
        """
        It stays there as long as one that was read there; 'strata tier pin' keeps it for good.
        With --json: one document {"store","key","status":"Moved|Unchanged"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address blob = run.AddressOf(_blob);
        BlobKey key = blob.RequireKey();
        string? tier = run.Parsed.GetValue(_tier);
        TierControl tiers = await TierControl.OpenAsync(run, blob, cancellationToken);
        MoveStatus status = await tiers.PromoteAsync(key, tier, cancellationToken);
        return MoveWords.Report(run, blob, key, status, $"is in {tier ?? "the next faster tier"} now", tier is null ? "is in the fastest tier already" : $"is in {tier} already, or in a faster tier");
    }
}
