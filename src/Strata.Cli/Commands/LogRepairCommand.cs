using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata log repair</c></summary>
internal sealed class LogRepairCommand : StrataCommand
{
    private readonly Argument<string> _folder = new("FOLDER") { Description = "The damaged folder of a disk store; it stays as it is." };
    private readonly Argument<string> _target = new("NEW") { Description = "The folder to write what is intact to: a new one, or an empty one." };

    public LogRepairCommand()
        : base("repair", "Save what is intact of a disk store that does not open to a new folder.", "strata log repair ./data/main/cold ./rescued", "strata log repair ./data/main/cold /mnt/other/rescued --json")
    {
        Add(_folder);
        Add(_target);
    }

    public override string Notes =>
        """
        The old folder is only read. What cannot be saved is named, and the exit code is 1 then; a key whose latest entry is
        damaged is left out, it does not get an older value. Files of large values keep their damaged blocks: reading these is
        an error, reading the rest is not. What a repair has written that was stopped does not open: remove it, and repair
        again. Afterwards move the new folder to where the old one was, and keep the old one until you have looked.
        With --json, a line a damage as 'log verify' writes it; the last line is
        {"folder","target","entries","valueFiles","damages","lost","leftOut":[…],"notes":[…]}.
        """;

    protected override Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        string folder = LogFolders.FindOne(run.Parsed.GetRequiredValue(_folder)), target = Path.GetFullPath(run.Parsed.GetRequiredValue(_target));
        if (LogRepair.IsUnfinished(target))
            throw CliException.Usage($"In '{target}' a repair was stopped before its end; what it has written is not whole. Remove that folder, then repair again, or name a new one.");
        if (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()))
            throw CliException.Usage($"'{target}' is there and not empty. Name a new folder for what is saved.");
        if ((target + Path.DirectorySeparatorChar).StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            throw CliException.Usage($"'{target}' is within the damaged folder, which is not touched. Name a folder elsewhere, best on another disk.");
        LogFolders.RequireFree(folder, "repair");
        using FolderLock? held = Hold(run.Report, folder);
        using var progress = new LogProgress(2 * LogFolder.Read(folder).Bytes, Report.IsWatched, cancellationToken);
        using LogRepair repair = LogRepair.Run(folder, target, progress.Add);
        progress.Dispose();
        foreach (LogDamage damage in repair.Found.Damages)
        {
            var line = LogDamageLine.Of(folder, damage);
            run.Report.Result($"damaged: {line}", line, JsonLines.Context.LogDamageLine);
        }

        foreach (string key in repair.LeftOut) Report.Error($"'{key}' is left out: its payload is lost.");
        foreach (string note in repair.Found.Notes) run.Report.Note(note);
        int lost = repair.Found.Damages.Count(d => d.Loss != LogLoss.Nothing);
        var summary = new LogRepairedLine(folder, target, repair.Entries, repair.ValueFiles, repair.Found.Damages.Count, lost, repair.LeftOut, repair.Found.Notes);
        run.Report.Result(Describe(summary), summary, JsonLines.Context.LogRepairedLine);
        return Task.FromResult(lost == 0 ? ExitCode.Done : ExitCode.Failed);
    }

    /// <summary>Keeps others from opening the folder meanwhile. One that cannot be written, nobody else opens.</summary>
    private static FolderLock? Hold(Report report, string folder)
    {
        try
        {
            return FolderLock.Take(folder, Path.GetFileName(folder));
        }
        catch (StorageException e) when (e.Kind is not StorageErrorKind.Owned)
        {
            report.Note($"{folder} cannot be locked ({e.Message}); make sure that nothing works with it.");
            return null;
        }
    }

    private static string Describe(LogRepairedLine line)
    {
        string loss = line.Lost == 0 ? "nothing is lost" : $"{Columns.Count(line.Lost, "damage", "damages")} with loss, named above";
        return $"{line.Target}: {Columns.Count(line.Entries, "entry", "entries")} and {Columns.Count(line.ValueFiles, "value file", "value files")} saved; {loss}";
    }
}
