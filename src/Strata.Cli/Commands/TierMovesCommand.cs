using System.CommandLine;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata tier moves</c></summary>
internal sealed class TierMovesCommand : StrataCommand
{
    private readonly Argument<string> _store = TierCommand.Store();

    public TierMovesCommand()
        : base("moves", "List what is being moved at this moment.", "strata tier moves main", "strata tier moves main --json") =>
        Add(_store);

    public override string Notes => "With --json, a line a move: {\"key\",\"from\",\"to\",\"length\",\"state\":\"Planned|Copied|Verified|Published\",\"began\"}.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address store = TierCommand.StoreOf(run, _store);
        TieringWire found = await (await TierControl.OpenAsync(run, store, cancellationToken)).LookAsync(cancellationToken);
        if (found.Moves.Count == 0) run.Report.Note($"Nothing is being moved in '{store.Place}'.");
        foreach (TierMove move in found.Moves)
            run.Report.Result($"{move.From} -> {move.To}  {move.State,-9}  {ByteSize.Format(move.Length),9}  {Columns.Time(move.Began)}  {move.Key}", move, TieringJson.Context.TierMove);
        return ExitCode.Done;
    }
}
