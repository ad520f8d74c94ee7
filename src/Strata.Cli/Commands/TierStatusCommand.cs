using System.CommandLine;
using System.Globalization;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata tier status</c></summary>
internal sealed class TierStatusCommand : StrataCommand
{
    private static readonly string[] Head = ["tier", "blobs", "bytes", "capacity", "hits", "misses", "promoted", "demoted", "evicted"];

    private readonly Argument<string?> _store = new("STORE") { Description = "One store (default: all).", Arity = ArgumentArity.ZeroOrOne };

    public TierStatusCommand()
        : base("status", "Show what each tier holds and does, the last run, moves under way, and what it costs.", "strata tier status", "strata tier status main --json") =>
        Add(_store);

    public override string Notes =>
        """
        Costs are an estimate of a month, where every tier has a price (Tiering:Prices:TIER).
        With --json, a line a store: {"store","reads":{"hits","misses"},"tiers":[{"name","blobs","bytes","maxBytes","hits","misses",
        "promotions","demotions","evictions","fault",…}],"status":{"runs","last":{…},"next",…},"moves":[…],"pins","doubts":{…},"cost":{…}}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        foreach (Address address in await StoresAsync(run, cancellationToken))
        {
            TieringWire found = await (await TierControl.OpenAsync(run, address, cancellationToken)).LookAsync(cancellationToken);
            run.Report.Result(string.Join('\n', Describe(found)), found, TieringJson.Context.TieringWire);
        }

        return ExitCode.Done;
    }

    private async ValueTask<IReadOnlyList<Address>> StoresAsync(Run run, CancellationToken cancellationToken)
    {
        if (run.Parsed.GetValue(_store) is { } one)
        {
            Address address = Address.OfStore(one, run.Stores.Urls.Prefixes);
            return address.Key == "" ? [address] : throw CliException.Usage($"'{address.Text}' names a key; 'strata tier explain' is for that.");
        }

        IReadOnlyList<StoreLine> stores = await (await run.Stores.ConfiguredAsync(mayCreate: false, cancellationToken)).ListAsync(cancellationToken);
        return [.. stores.Select(s => new Address(AddressKind.Store, s.Store, "", s.Store))];
    }

    private static IEnumerable<string> Describe(TieringWire store)
    {
        long reads = store.Reads.Hits + store.Reads.Misses;
        string found = reads == 0 ? "no reads yet" : $"{Columns.Count(reads, "read", "reads")}, {Percent(store.Reads.Hits, reads)} found something";
        yield return $"{store.Store}: {(store.Tiers.Count == 1 ? "one tier, nothing to move between" : found)}";
        foreach (string line in TextTable.Lines([Head, .. store.Tiers.Select(Row)])) yield return "  " + line;
        foreach (TierStatistics tier in store.Tiers.Where(t => t.Fault is not null)) yield return $"  fault of {tier.Name}: {tier.Fault}";
        foreach (TierStatistics tier in store.Tiers.Where(t => t.Fault is null && t.LastError is not null)) yield return $"  {tier.Name} failed {Columns.Count(tier.Errors, "time", "times")}; the last time: {tier.LastError}";
        if (store.Status is not { } status || store.Tiers.Count == 1) yield break;
        yield return "  last run   " + (status.Last is { } last ? Describe(last) : "none since the store was opened");
        if (status.LastError is not null) yield return $"  error      {status.LastError}";
        if (status.IsRunning) yield return $"  running    {Columns.Count(status.Progress.LookedAt)} looked at, {Columns.Count(status.Progress.Promoted)} up, {Columns.Count(status.Progress.Demoted)} down";
        else if (status.Next is { } next) yield return $"  next run   {Columns.Time(next)}";
        if (store.Moves.Count > 0) yield return $"  moves      {Columns.Count(store.Moves.Count)} under way";
        if (store.Pins > 0) yield return $"  pins       {Columns.Count(store.Pins)}";
        if (store.Doubts is { Keys: > 0 } doubts) yield return $"  in doubt   {Columns.Count(doubts.Keys, "key", "keys")}";
        if (store.Cost is { } cost) yield return $"  a month    {Describe(cost)}";
    }

    private static IReadOnlyList<string> Row(TierStatistics tier) =>
    [
        tier.Name, tier.Blobs is { } blobs ? Columns.Count(blobs) : "-", tier.Bytes is { } bytes ? ByteSize.Format(bytes) : "-",
        tier.MaxBytes is { } most ? $"{ByteSize.Format(most)}{(tier.Bytes is { } held && most > 0 ? $" ({Percent(held, most)})" : "")}" : "-",
        Columns.Count(tier.Hits), Columns.Count(tier.Misses), Columns.Count(tier.Promotions), Columns.Count(tier.Demotions), Columns.Count(tier.Evictions),
    ];

    /// <summary>A run's report in one line.</summary>
    public static string Describe(TieringReport run) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Columns.Time(run.Began)}, {run.Elapsed.TotalSeconds:0.0} s: {Columns.Count(run.LookedAt)} looked at, {Columns.Count(run.Promoted)} up, {Columns.Count(run.Demoted)} down, {ByteSize.Format(run.Bytes)} copied{(run.Failed > 0 ? $", {Columns.Count(run.Failed)} failed" : "")}{(run.Left > 0 ? $", {Columns.Count(run.Left)} left" : "")}");

    private static string Describe(CostEstimate cost) => string.Create(
        CultureInfo.InvariantCulture,
        $"{cost.Total:0.00} ({string.Join(", ", cost.Tiers.Select(t => string.Create(CultureInfo.InvariantCulture, $"{t.Tier} {t.Total:0.00}")))}); all in {cost.Tiers[0].Tier} {cost.AllHot:0.00}, all in {cost.Tiers[^1].Tier} {cost.AllCold:0.00}");

    private static string Percent(long part, long whole) => string.Create(CultureInfo.InvariantCulture, $"{100d * part / whole:0.#} %");
}
