using System.CommandLine;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata tier invalidate</c></summary>
internal sealed class TierInvalidateCommand : StrataCommand
{
    private readonly Argument<string> _target = new("STORE/KEY") { Description = "The blob; with -r the folder, or the store as a whole." };
    private readonly Option<bool> _recursive = new("--recursive", "-r") { Description = "Everything below KEY/; asks first." };
    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "Do not ask." };

    public TierInvalidateCommand()
        : base("invalidate", "Drop the copies above the origin: the next read asks the origin.", "strata tier invalidate main/photos/1.jpg", "strata tier invalidate -r main/photos", "strata tier invalidate -r --yes main")
    {
        Add(_target);
        Add(_recursive);
        Add(_yes);
    }

    public override string Notes =>
        """
        No blob is lost by it. For when somebody else has written to the origin. The exit code is 1 if a tier could not be looked
        through: what it still holds is compared with the origin before it is served.
        With --json: one document {"copies","isExact","unconfirmed":[…],"inDoubt"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address target = run.AddressOf(_target);
        InvalidateResult done = run.Parsed.GetValue(_recursive) ? await FolderAsync(run, target, cancellationToken) : await OneAsync(run, target, cancellationToken);
        run.Report.Result(
            $"{Columns.Count(done.Copies, "copy", "copies")} dropped{(done.IsExact ? "" : $", or more; {string.Join(", ", done.Unconfirmed)} did not confirm it")}"
            + (done.InDoubt > 0 ? $"; {Columns.Count(done.InDoubt, "key", "keys")} in doubt keep theirs, which nobody is served" : ""),
            done,
            TieringJson.Context.InvalidateResult);
        return done.IsExact ? ExitCode.Done : ExitCode.Failed;
    }

    private static async ValueTask<InvalidateResult> OneAsync(Run run, Address target, CancellationToken cancellationToken)
    {
        if (target.Key == "") throw CliException.Usage($"'{target.Text}' names no key. With -r all copies of the store are dropped.");
        BlobKey key = target.RequireKey();
        return await (await TierControl.OpenAsync(run, target, cancellationToken)).InvalidateAsync(key, cancellationToken);
    }

    private async ValueTask<InvalidateResult> FolderAsync(Run run, Address target, CancellationToken cancellationToken)
    {
        string prefix = target.Key is "" || target.Key.EndsWith('/') ? target.Key : target.Key + "/";
        TierControl tiers = await TierControl.OpenAsync(run, target, cancellationToken);
        if (!run.Parsed.GetValue(_yes)) TierCommand.Confirm($"Drop all copies below '{target.Text}'");
        using var progress = new OperationProgress();
        return await tiers.InvalidateAsync(prefix, progress, cancellationToken);
    }
}
