using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata cp</c></summary>
internal sealed class CopyCommand : StrataCommand
{
    private const int MaxParallelism = 64, LocalParallelism = 4, RemoteParallelism = 16;

    private readonly Argument<string> _source = new("SOURCE") { Description = "A local path, or an address with a scheme: strata:STORE/KEY, s3://BUCKET/KEY, azure://CONTAINER/KEY, file:DIR#KEY." };
    private readonly Argument<string> _target = new("TARGET") { Description = "The same." };
    private readonly Option<bool> _recursive = new("--recursive", "-r") { Description = "Everything below the source that is not at the target already, and equal." };
    private readonly Option<bool> _force = new("--force", "-f") { Description = "With -r: also what is there and equal." };
    private readonly Option<bool> _checksum = new("--checksum", "-c") { Description = "With -r: what is equal is told by checksums, for which local files are read, and not by times." };
    private readonly Option<bool> _dryRun = new("--dry-run", "-n") { Description = "Only say what would be copied." };
    private readonly Option<int?> _parallel = new("--parallel", "-j") { Description = $"Copies side by side, 1 to 64 (default: {RemoteParallelism} to or from s3: and azure:, else {LocalParallelism}).", HelpName = "COUNT" };

    public CopyCommand()
        : base(
            "cp",
            "Copy files into a store, blobs to files, or blobs between stores.",
            "strata cp photo.jpg strata:main/photos/1.jpg",
            "strata cp -r ./site strata:main/site",
            "strata cp -r strata:main/site ./copy",
            "strata cp -r ./site s3://my-bucket/site -j 32",
            "strata cp -r 's3://my-bucket/site?endpoint=https://s3.example.com' azure://archive/site",
            "strata cp -r --dry-run --checksum s3://my-bucket/site ./copy")
    {
        Add(_source);
        Add(_target);
        Add(_recursive);
        Add(_force);
        Add(_checksum);
        Add(_dryRun);
        Add(_parallel);
    }

    public override string Notes =>
        """
        Plain paths are local; a store needs its scheme. -r copies what is in the source, not the source itself. Symbolic
        links, pipes, sockets and devices in a folder are named and left out. A file or blob that fails is named, the rest
        goes on, and the exit code is 1.

        With -r, what is at the target and equal is not copied again, so that a copy that was stopped goes on when it is
        begun again. Equal means the same length and, between stores, the same checksum or MD5 where both tell one; else
          file to store   the blob is not older than the file
          store to file   the file has the blob's time, which a copy gives it
          store to store  the target's blob is not older
        --checksum compares bytes instead (CRC-32C, or the MD5 that is S3's ETag); where a store tells neither, the blob is
        copied again. Nothing at the target is ever deleted.

        With --json, a line each: {"source","target","status":"Copied|Equal|Planned|Skipped|Failed","length","error"}; the
        last one is {"copied","equal","planned","skipped","failed","bytes","seconds"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address source = Address.OfCopy(run.Parsed.GetRequiredValue(_source), run.Stores.Urls.Prefixes);
        Address target = Address.OfCopy(run.Parsed.GetRequiredValue(_target), run.Stores.Urls.Prefixes);
        int parallelism = run.Parsed.GetValue(_parallel) ?? (source.Kind == AddressKind.Bucket || target.Kind == AddressKind.Bucket ? RemoteParallelism : LocalParallelism);
        if (parallelism is < 1 or > MaxParallelism) throw CliException.Usage($"--parallel takes 1 to {MaxParallelism}; this is {parallelism}.");
        var choices = new CopyChoices(run.Parsed.GetValue(_recursive), run.Parsed.GetValue(_force), run.Parsed.GetValue(_checksum), run.Parsed.GetValue(_dryRun));
        if (choices is { IsForced: true, ByChecksum: true }) throw CliException.Usage("Give --force or --checksum, not both: --force compares nothing.");
        IAsyncEnumerable<CopyItem> items = await new CopyPlan(run.Stores, source, target, choices).MakeAsync(cancellationToken);
        return await ProgressBar.RunAsync(Report.IsWatched, progress => new CopyEngine(run.Report, choices, parallelism, progress).RunAsync(items, cancellationToken));
    }
}
