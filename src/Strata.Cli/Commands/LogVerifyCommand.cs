using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata log verify</c></summary>
internal sealed class LogVerifyCommand : StrataCommand
{
    private readonly Argument<string> _folder = LogFolders.Argument();

    public LogVerifyCommand()
        : base("verify", "Read every byte of a disk store, and say what is damaged and what that costs.", "strata log verify ./data", "strata log verify ./data/main/cold --json") =>
        Add(_folder);

    public override string Notes =>
        """
        Changes nothing, and works beside a running server. The exit code is 1 if anything is damaged, lost or not.
        A damaged hint costs nothing: remove it, and the next opening reads its segment instead. A log that does not open is
        saved by 'log repair'.
        With --json, a line a damage: {"folder","file","offset","length","what","keyspace","key",
        "loss":"Nothing|Value|PartOfValue|Deletion|Unknown"}; the last line of each log is
        {"folder","segments","keys","tombstones","values","valueBytes","bytes","damages","lost","notes"}.
        """;

    protected override Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        int code = ExitCode.Done;
        foreach (string folder in LogFolders.Find(run.Parsed.GetRequiredValue(_folder)))
        {
            FolderOwner? owner = LogFolder.FindOwner(folder);
            if (owner is not null) run.Report.Note($"{folder} is in use by process {owner.ProcessId}; what it writes meanwhile is not verified.");
            using var progress = new LogProgress(LogFolder.Read(folder).Bytes, Report.IsWatched, cancellationToken);
            using LogVerification found = LogVerification.Run(folder, isShared: owner is not null, progress.Add);
            progress.Dispose();
            foreach (LogDamage damage in found.Damages)
            {
                var line = LogDamageLine.Of(folder, damage);
                run.Report.Result($"damaged: {line}", line, JsonLines.Context.LogDamageLine);
            }

            foreach (string note in found.Notes) run.Report.Note(note);
            Summarize(run.Report, folder, found);
            run.Report.Flush();
            if (found.Damages.Count > 0) code = ExitCode.Failed;
        }

        return Task.FromResult(code);
    }

    private static void Summarize(Report report, string folder, LogVerification found)
    {
        int lost = found.Damages.Count(d => d.Loss != LogLoss.Nothing);
        var line = new LogVerifiedLine(folder, found.Segments, found.Keys, found.Tombstones, found.Values, found.ValueBytes, found.Folder.Bytes, found.Damages.Count, lost, found.Notes);
        string read = $"{Columns.Count(found.Segments, "segment", "segments")}, {Columns.Count(found.Keys, "key", "keys")}, {Columns.Count(found.Values, "large value", "large values")} ({ByteSize.Format(found.ValueBytes)})";
        string rest = found.Damages.Any(d => d.Loss == LogLoss.Unknown) ? "other keys that are not named may be missing, or have an older value" : "all other keys are intact";
        string result = found.Damages.Count == 0 ? "all intact" : lost == 0 ? $"{found.Damages.Count} damaged, nothing is lost" : $"{found.Damages.Count} damaged, {lost} of them with loss; {rest}";
        report.Result($"{folder}: {read}: {result}", line, JsonLines.Context.LogVerifiedLine);
    }
}
