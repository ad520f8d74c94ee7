using System.CommandLine;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata tier clear</c></summary>
internal sealed class TierClearCommand : StrataCommand
{
    private readonly Argument<string> _store = TierCommand.Store();
    private readonly Argument<string> _tier = new("TIER") { Description = "The tier; not the last one, which holds the blobs themselves." };
    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "Do not ask." };

    public TierClearCommand()
        : base("clear", "Drop all copies that a tier holds; asks first.", "strata tier clear main hot", "strata tier clear main hot --yes")
    {
        Add(_store);
        Add(_tier);
        Add(_yes);
    }

    public override string Notes =>
        """
        No blob is lost by it. Reads and writes that come meanwhile may leave copies there again.
        With --json: one document {"copies","bytes","failed","inDoubt"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address store = TierCommand.StoreOf(run, _store);
        string tier = run.Parsed.GetRequiredValue(_tier);
        TierControl tiers = await TierControl.OpenAsync(run, store, cancellationToken);
        if (!run.Parsed.GetValue(_yes)) TierCommand.Confirm($"Drop all copies in tier '{tier}' of '{store.Place}'");
        using var progress = new OperationProgress();
        ClearTierResult done = await tiers.ClearAsync(tier, progress, cancellationToken);
        progress.Dispose();
        run.Report.Result(
            $"{tier}: {Columns.Count(done.Copies, "copy", "copies")} dropped ({ByteSize.Format(done.Bytes)})"
            + (done.InDoubt > 0 ? $"; {Columns.Count(done.InDoubt)} stay, as a change of unknown outcome is pending" : "")
            + (done.Failed > 0 ? $"; {Columns.Count(done.Failed)} could not be dropped ('strata tier status' tells the last error)" : ""),
            done,
            TieringJson.Context.ClearTierResult);
        return done.Failed > 0 ? ExitCode.Failed : ExitCode.Done;
    }
}
