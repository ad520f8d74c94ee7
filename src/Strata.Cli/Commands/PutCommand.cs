using System.CommandLine;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata put</c></summary>
internal sealed class PutCommand : StrataCommand
{
    private const string StandardInput = "-";

    private readonly Argument<string> _local = new("LOCAL") { Description = "A file, or - for standard input." };
    private readonly Argument<string> _target = new("STORE/KEY") { Description = "Where to write. A key that ends with / gets the file's name." };
    private readonly Option<string?> _contentType = new("--content-type") { Description = "Media type (default: by the file's name).", HelpName = "TYPE" };
    private readonly Option<string[]> _metadata = new("--meta") { Description = "User metadata; may be repeated.", HelpName = "NAME=VALUE" };
    private readonly Option<string?> _expires = new("--expires") { Description = "When it expires, in ISO 8601.", HelpName = "TIME" };
    private readonly Option<string?> _ttl = new("--ttl") { Description = "How long it lives: 90s, 15m, 12h, 30d.", HelpName = "DURATION" };
    private readonly Option<bool> _ifAbsent = new("--if-absent") { Description = "Only if the key is missing." };
    private readonly Option<string?> _ifMatch = new("--if-match") { Description = "Only if the key holds this ETag.", HelpName = "ETAG" };

    public PutCommand()
        : base(
            "put",
            "Write a file, or standard input, as a blob.",
            "strata put photo.jpg main/photos/1.jpg",
            "tar c ./site | strata put - main/backups/site.tar --ttl 30d",
            "strata put notes.txt main/notes.txt --meta author=ann --if-absent",
            "strata put photo.jpg s3://my-bucket/photos/")
    {
        Add(_local);
        Add(_target);
        Add(_contentType);
        Add(_metadata);
        Add(_expires);
        Add(_ttl);
        Add(_ifAbsent);
        Add(_ifMatch);
    }

    public override string Notes => "With --json: one document {\"store\",\"tiers\",\"info\":{\"key\",\"length\",\"etag\",…}}.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        string local = run.Parsed.GetRequiredValue(_local);
        Address target = run.AddressOf(_target);
        if (local != StandardInput && (target.Key == "" || target.Key.EndsWith('/'))) target = target.WithKey(target.Key + Path.GetFileName(local));
        BlobKey key = target.RequireKey();
        WriteOptions options = OptionsOf(run.Parsed, local);
        if (local != StandardInput) LocalFile.RequireFile(local);
        IBlobStore store = await run.Stores.OpenAsync(target, options.Condition == default ? StoreUse.Writing : StoreUse.WritingUnderConditions, cancellationToken);
        await using Stream? input = local == StandardInput ? new InputStream(Console.OpenStandardInput()) : null;
        BlobContent content = input is null ? LocalFile.Content(local) : BlobContent.FromStream(input);
        WriteResult result = await store.WriteAsync(key, content, options, cancellationToken);
        if (!result.IsWritten) throw NotWritten(target, options.Condition, result.Info);

        BlobInfo info = result.Info!;
        IReadOnlyList<string> tiers = target.TiersOf(result.Tiers);
        run.Report.Result(
            $"{target.Text}  {ByteSize.Format(info.Length)}  {string.Join(" ", tiers)}",
            new BlobLine(target.Place, tiers, BlobInfoWire.From(info)),
            JsonLines.Context.BlobLine);
        return ExitCode.Done;
    }

    private static CliException NotWritten(Address target, WriteCondition condition, BlobInfo? current) => new(
        ExitCode.ConditionFailed,
        condition.Kind == WriteConditionKind.IfAbsent
            ? $"'{target.Text}' exists already (--if-absent); nothing was written."
            : $"'{target.Text}' {(current is null ? "is missing" : $"has the ETag {current.ETag}")}, not {condition.ETag} (--if-match); nothing was written.");

    private WriteOptions OptionsOf(ParseResult parsed, string local)
    {
        string? expires = parsed.GetValue(_expires), ttl = parsed.GetValue(_ttl), match = parsed.GetValue(_ifMatch);
        bool absent = parsed.GetValue(_ifAbsent);
        if (expires is not null && ttl is not null) throw CliException.Usage("Give --expires or --ttl, not both.");
        if (absent && match is not null) throw CliException.Usage("Give --if-absent or --if-match, not both.");
        return new WriteOptions
        {
            ContentType = parsed.GetValue(_contentType) ?? ContentTypes.Guess(local),
            Metadata = MetadataOf(parsed.GetValue(_metadata) ?? []),
            Expires = expires is not null ? Times.Moment(expires, "--expires") : ttl is not null ? TimeProvider.System.GetUtcNow() + Times.Duration(ttl, "--ttl") : null,
            Condition = absent ? WriteCondition.IfAbsent : string.IsNullOrEmpty(match) ? WriteCondition.None : WriteCondition.IfMatch(match.Trim('"')),
        };
    }

    private static Dictionary<string, string>? MetadataOf(string[] pairs)
    {
        if (pairs.Length == 0) return null;
        var metadata = new Dictionary<string, string>();
        foreach (string pair in pairs)
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1) throw CliException.Usage($"--meta takes NAME=VALUE; this is '{pair}'.");
            if (!metadata.TryAdd(pair[..equals], pair[(equals + 1)..])) throw CliException.Usage($"--meta gives '{pair[..equals]}' twice.");
        }

        return metadata;
    }
}
