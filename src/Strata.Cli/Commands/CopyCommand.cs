using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata cp</c></summary>
internal sealed class CopyCommand : StrataCommand
{
    private const int MaxParallelism = 64;

    private readonly Argument<string> _source = new("SOURCE") { Description = "A local path, or an address with a scheme: strata:STORE/KEY, file:DIR#KEY." };
    private readonly Argument<string> _target = new("TARGET") { Description = "The same." };
    private readonly Option<bool> _recursive = new("--recursive", "-r") { Description = "Everything below the source." };
    private readonly Option<int> _parallel = new("--parallel", "-j") { Description = "Copies side by side, 1 to 64.", HelpName = "COUNT", DefaultValueFactory = _ => 4 };

    public CopyCommand()
        : base(
            "cp",
            "Copy files into a store, blobs to files, or blobs between stores.",
            "strata cp photo.jpg strata:main/photos/1.jpg",
            "strata cp -r ./site strata:main/site",
            "strata cp -r strata:main/site ./copy",
            "strata cp -r strata:main file:/mnt/archive -j 8")
    {
        Add(_source);
        Add(_target);
        Add(_recursive);
        Add(_parallel);
    }

    public override string Notes =>
        """
        Plain paths are local; a store needs its scheme. -r copies what is in the source, not the source itself. Symbolic
        links, pipes, sockets and devices in a folder are named and left out. A file or blob that fails is named, the rest
        goes on, and the exit code is 1.
        With --json, a line each: {"source","target","status":"Copied|Skipped|Failed","length","error"}; the last one is
        {"copied","skipped","failed","bytes","seconds"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        int parallelism = run.Parsed.GetValue(_parallel);
        if (parallelism is < 1 or > MaxParallelism) throw CliException.Usage($"--parallel takes 1 to {MaxParallelism}; this is {parallelism}.");
        Address source = Address.OfCopy(run.Parsed.GetRequiredValue(_source), run.Stores.Urls.Prefixes);
        Address target = Address.OfCopy(run.Parsed.GetRequiredValue(_target), run.Stores.Urls.Prefixes);
        IAsyncEnumerable<CopyItem> items = await new CopyPlan(run.Stores, source, target, run.Parsed.GetValue(_recursive)).MakeAsync(cancellationToken);
        return await ProgressBar.RunAsync(Report.IsWatched, progress => new CopyEngine(run.Report, parallelism, progress).RunAsync(items, cancellationToken));
    }
}
