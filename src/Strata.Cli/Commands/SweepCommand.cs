using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata sweep</c></summary>
internal sealed class SweepCommand : StrataCommand
{
    private static readonly TimeSpan LeastAge = TimeSpan.FromHours(1);

    private readonly Argument<string> _target = new("ADDRESS") { Description = "The bucket, s3://BUCKET or azure://CONTAINER; of a store with a prefix s3://BUCKET/PREFIX?#." };
    private readonly Option<bool> _quick = new("--quick") { Description = "Only unfinished uploads, and what a listing gives away: of S3, no expired blobs, which take a look at each object." };
    private readonly Option<string> _age = new("--abandoned-after") { Description = "How old an unfinished upload must be to be taken for abandoned: 1h or more.", HelpName = "DURATION", DefaultValueFactory = _ => "1d" };

    public SweepCommand()
        : base(
            "sweep",
            "Remove from a bucket what nobody will read again: expired blobs, and what killed programs left of their uploads.",
            "strata sweep s3://my-bucket",
            "strata sweep --quick --abandoned-after 1h s3://my-bucket")
    {
        Add(_target);
        Add(_quick);
        Add(_age);
    }

    public override string Notes =>
        """
        What is removed is invisible to Strata already. It may be stopped at any time, and run beside programs at work; an upload
        of theirs that takes longer than --abandoned-after would be ended.
        With --json: one document {"listed","expired","tombstones","appendices","uploads","bytes","kept","failed"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        Address target = run.AddressOf(_target);
        if (target.Key != "") throw CliException.Usage($"'{target.Text}' names a key; a bucket is swept as a whole: {target.Place}.");
        TimeSpan age = Times.Duration(run.Parsed.GetRequiredValue(_age), "--abandoned-after");
        if (age < LeastAge) throw CliException.Usage($"--abandoned-after takes 1h or more; this is '{run.Parsed.GetRequiredValue(_age)}'.");
        IBlobStore store = await run.Stores.OpenAsync(target, StoreUse.WritingUnderConditions, cancellationToken);
        if (!store.TryGetFacet(out IBlobSweep? sweep)) throw new CliException(ExitCode.Failed, $"'{target.Place}' needs no sweeping: it removes by itself what has expired. Buckets (s3:, azure:) do not.");
        var options = new SweepOptions { OnlyTombstones = run.Parsed.GetValue(_quick), AbandonedAfter = age };
        SweepResult done = await sweep.SweepAsync(options, Report.IsWatched ? new Line() : null, cancellationToken);
        run.Report.Result(Describe(done), done, JsonLines.Context.SweepResult);
        return done.Failed > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    private static string Describe(SweepResult done) =>
        $"removed {Columns.Count(done.Expired, "expired blob", "expired blobs")} ({ByteSize.Format(done.Bytes)}), {Columns.Count(done.Uploads, "unfinished upload", "unfinished uploads")}, "
        + $"{Columns.Count(done.Tombstones, "tombstone", "tombstones")} and {Columns.Count(done.Appendices, "appendix", "appendices")}; looked at {Columns.Count(done.Listed, "object", "objects")}"
        + (done.Kept > 0 ? $"; {Columns.Count(done.Kept, "tombstone", "tombstones")} kept, as the server honours no condition on deletes" : "")
        + (done.Failed > 0 ? $"; {Columns.Count(done.Failed)} could not be removed, the next sweep tries again" : "");

    /// <summary>One line on the terminal that is written over.</summary>
    private sealed class Line : IProgress<SweepResult>
    {
        public void Report(SweepResult value) => Console.Error.Write($"\r{Columns.Count(value.Listed)} objects looked at \r");
    }
}
