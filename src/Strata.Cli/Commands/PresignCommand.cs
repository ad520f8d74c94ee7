using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata presign</c></summary>
internal sealed class PresignCommand : StrataCommand
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(7);

    private readonly Argument<string> _target = new("ADDRESS") { Description = "The blob: s3://BUCKET/KEY or azure://CONTAINER/KEY." };
    private readonly Option<bool> _put = new("--put") { Description = "An address to write the blob by, with an HTTP PUT, not to read it." };
    private readonly Option<string> _ttl = new("--ttl") { Description = "How long it holds: 90s, 15m, 12h, 7d; at most 7 days.", HelpName = "DURATION", DefaultValueFactory = _ => "1h" };
    private readonly Option<string?> _contentType = new("--content-type") { Description = "With --put: the media type that the PUT must have.", HelpName = "TYPE" };

    public PresignCommand()
        : base(
            "presign",
            "Make an address by which anybody reads, or writes, one blob for a while.",
            "strata presign s3://my-bucket/report.pdf",
            "strata presign s3://my-bucket/inbox/1.jpg --put --ttl 15m --content-type image/jpeg",
            "curl -o report.pdf \"$(strata presign azure://archive/report.pdf)\"")
    {
        Add(_target);
        Add(_put);
        Add(_ttl);
        Add(_contentType);
    }

    public override string Notes =>
        """
        The address is a secret: whoever has it may use it. Whether the blob is there is not looked at, and nothing is sent.
        A PUT to Azure needs the header x-ms-blob-type: BlockBlob.
        With --json: one document {"url","method":"GET|PUT","expires"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address target = run.AddressOf(_target);
        BlobKey key = target.RequireKey();
        TimeSpan lifetime = Times.Duration(run.Parsed.GetRequiredValue(_ttl), "--ttl");
        if (lifetime > Longest) throw CliException.Usage($"--ttl takes at most 7 days; this is '{run.Parsed.GetRequiredValue(_ttl)}'.");
        bool isPut = run.Parsed.GetValue(_put);
        string? contentType = run.Parsed.GetValue(_contentType);
        if (contentType is not null && !isPut) throw CliException.Usage("--content-type goes with --put.");
        IBlobStore store = await run.Stores.OpenAsync(target, StoreUse.Reading, cancellationToken);
        if (!store.TryGetFacet(out IPresignedUrls? urls))
            throw new CliException(ExitCode.Failed, $"'{target.Place}' makes no presigned addresses: s3: does, and azure: with an account's key. A running 'strata serve' is a server of S3: s3://STORE/KEY?endpoint=ADDRESS.");
        DateTimeOffset expires = TimeProvider.System.GetUtcNow() + lifetime;
        Uri url = isPut ? await urls.ForWriteAsync(key, lifetime, contentType, cancellationToken) : await urls.ForReadAsync(key, lifetime, cancellationToken);
        run.Report.Result(url.AbsoluteUri, new PresignedLine(url, isPut ? "PUT" : "GET", expires), JsonLines.Context.PresignedLine);
        return ExitCode.Done;
    }
}
