using System.CommandLine;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata tier pins</c></summary>
internal sealed class TierPinsCommand : StrataCommand
{
    private readonly Argument<string> _store = TierCommand.Store();

    public TierPinsCommand()
        : base("pins", "List the pins, in the order of their keys.", "strata tier pins main", "strata tier pins main --json") =>
        Add(_store);

    public override string Notes => "With --json, a line a pin: {\"key\",\"tier\"}.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address store = TierCommand.StoreOf(run, _store);
        IReadOnlyList<TierPin> pins = await (await TierControl.OpenAsync(run, store, cancellationToken)).PinsAsync(cancellationToken);
        if (pins.Count == 0) run.Report.Note($"Nothing is pinned in '{store.Place}'.");
        int width = pins.Select(p => p.Tier.Length).DefaultIfEmpty(0).Max();
        foreach (TierPin pin in pins) run.Report.Result($"{pin.Tier.PadRight(width)}  {pin.Key}", pin, TieringJson.Context.TierPin);
        return ExitCode.Done;
    }
}
