using System.CommandLine;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata stat</c></summary>
internal sealed class StatCommand : StrataCommand
{
    private readonly Argument<string> _source = new("STORE/KEY") { Description = "The blob." };

    public StatCommand()
        : base("stat", "Show what is known of a blob, and which tiers hold it.", "strata stat main/photos/1.jpg", "strata stat main/photos/1.jpg --json") =>
        Add(_source);

    public override string Notes => "With --json: one document {\"store\",\"tiers\",\"info\":{\"key\",\"length\",\"etag\",…}}.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address source = run.AddressOf(_source);
        BlobKey key = source.RequireKey();
        IBlobStore store = await run.Stores.OpenAsync(source, StoreUse.Reading, cancellationToken);
        BlobInfo info = await store.StatAsync(key, cancellationToken) ?? throw await Reading.MissingAsync(store, source, cancellationToken);

        // While the origin is out nobody can say which tiers hold what it holds.
        IReadOnlyList<string> tiers = source.TiersOf(info is { StaleSince: not null, Tier: { } tier } ? [tier] : await Reading.LocateAsync(store, key, cancellationToken));
        run.Report.Result(Describe(info, tiers), new BlobLine(source.Place, tiers, BlobInfoWire.From(info)), JsonLines.Context.BlobLine);
        return ExitCode.Done;
    }

    private static string Describe(BlobInfo info, IReadOnlyList<string> tiers)
    {
        var lines = new List<(string Name, string? Value)>
        {
            ("key", info.Key.Value),
            ("size", $"{info.Length} bytes ({ByteSize.Format(info.Length)})"),
            ("tiers", string.Join(", ", tiers)),
            ("etag", info.ETag),
            ("version", info.Version.ToString()),
            ("created", Columns.Time(info.Created)),
            ("modified", Columns.Time(info.Modified)),
            ("expires", info.Expires is { } expires ? Columns.Time(expires) : null),
            ("stale", info.StaleSince is { } since ? $"as it was at {Columns.Time(since)}: the origin is out" : null),
            ("type", info.ContentType),
            ("encoding", info.ContentEncoding),
            ("crc-32c", BlobInfoWire.HexOf(info.Checksum)),
        };
        lines.AddRange(info.Metadata.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => ("meta " + m.Key, (string?)Printable(m.Value))));
        return string.Join('\n', lines.Where(l => l.Value is not null).Select(l => $"{l.Name,-10} {l.Value}"));
    }

    /// <summary>A value that another user wrote must not drive this user's terminal.</summary>
    private static string Printable(string value) => string.Concat(value.Select(c => char.IsControl(c) ? '\uFFFD' : c));
}
