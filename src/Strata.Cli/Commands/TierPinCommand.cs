using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata tier pin</c></summary>
internal sealed class TierPinCommand : StrataCommand
{
    private readonly Argument<string> _blob = new("STORE/KEY") { Description = "The key; there need be no blob of it yet." };
    private readonly Argument<string> _tier = new("TIER") { Description = "The tier." };

    public TierPinCommand()
        : base("pin", "Keep a key in a tier from now on, whatever its use and the rules say.", "strata tier pin main/index.html hot", "strata tier pin main/archive/2019.tar cold")
    {
        Add(_blob);
        Add(_tier);
    }

    public override string Notes =>
        """
        Its blob is taken there at once. The pin outlives restarts, and deletes of the blob.
        With --json: one document {"store","key","status":"Moved|Unchanged|Missing|Overtaken|Refused","pin"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address blob = run.AddressOf(_blob);
        BlobKey key = blob.RequireKey();
        string tier = run.Parsed.GetRequiredValue(_tier);
        TierControl tiers = await TierControl.OpenAsync(run, blob, cancellationToken);
        MoveStatus status = await tiers.PinAsync(key, tier, cancellationToken);
        string became = status switch
        {
            MoveStatus.Moved => "its blob is there now",
            MoveStatus.Unchanged => "its blob was there already",
            MoveStatus.Missing => "there is no blob of it yet",
            MoveStatus.Overtaken => "its blob was written meanwhile, and goes there with the next run",
            _ => "but the tier does not take its blob: it is too long, or the tier is full",
        };
        run.Report.Result($"{blob.Text} is pinned to {tier}; {became}", new MovedLine(blob.Place, key.Value, status, Pin: tier), JsonLines.Context.MovedLine);
        return ExitCode.Done;
    }
}
