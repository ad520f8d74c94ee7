using System.CommandLine;
using System.Globalization;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata tier explain</c></summary>
internal sealed class TierExplainCommand : StrataCommand
{
    private readonly Argument<string> _blob = TierCommand.Blob();

    public TierExplainCommand()
        : base("explain", "Say where a blob is, where it belongs, why, and what would move it when.", "strata tier explain main/photos/1.jpg", "strata tier explain main/photos/1.jpg --json") =>
        Add(_blob);

    public override string Notes =>
        """
        With --json: one document {"key","length","modified","tiers":[…],"tier","belongs":{"tier","cause","due",…},"isAtHome","why","moves",
        "use":{"accesses","historyAccesses","lastAccess","firstSeen","score"},"pin","rule","isInDoubt"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address blob = run.AddressOf(_blob);
        BlobKey key = blob.RequireKey();
        TierControl tiers = await TierControl.OpenAsync(run, blob, cancellationToken);
        TierExplanation found = await tiers.ExplainAsync(key, cancellationToken) ?? throw TierCommand.Missing(blob);
        run.Report.Result(Describe(found), found, TieringJson.Context.TierExplanation);
        return ExitCode.Done;
    }

    private static string Describe(TierExplanation found)
    {
        KeyUse use = found.Use;
        var lines = new List<(string Name, string? Value)>
        {
            ("key", found.Key.Value),
            ("size", $"{found.Length} bytes ({ByteSize.Format(found.Length)})"),
            ("is in", found.Tiers.Count == 1 ? found.Tier : $"{found.Tier}, and in {string.Join(", ", found.Tiers.Skip(1))}"),
            ("belongs in", found.Why),
            ("moves", found.Moves),
            ("due", found.Belongs.Due is { } due ? Columns.Time(due) : null),
            ("pinned to", found.Pin),
            ("rule", found.Rule is { } rule ? Describe(rule) : null),
            ("score", use.Score.ToString("0.###", CultureInfo.InvariantCulture)),
            ("accesses", $"{Columns.Count(use.Accesses)} lately, {Columns.Count(use.HistoryAccesses)} in all that is remembered"),
            ("last used", use.LastAccess is { } last ? Columns.Time(last) : "never, as far as is remembered"),
            ("modified", Columns.Time(found.Modified)),
            ("in doubt", found.IsInDoubt ? "its last change is of unknown outcome: it is read at the origin alone, and not moved" : null),
        };
        return string.Join('\n', lines.Where(l => l.Value is not null).Select(l => $"{l.Name,-10} {l.Value}"));
    }

    private static string Describe(PlacementRule rule)
    {
        string what = string.Join(" and ", new[] { rule.Prefix is null ? null : $"prefix '{rule.Prefix}'", rule.Pattern is null ? null : $"pattern '{rule.Pattern}'" }.Where(t => t is not null));
        string where = rule.Tier ?? string.Join(", ", new[] { rule.Hottest is null ? null : $"{rule.Hottest} at the fastest", rule.Coldest is null ? null : $"{rule.Coldest} at the slowest" }.Where(t => t is not null));
        return $"{(what == "" ? "all keys" : what)}: {(where == "" ? "as it is used" : where)}";
    }
}
