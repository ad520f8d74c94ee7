using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata log compact</c></summary>
internal sealed class LogCompactCommand : StrataCommand
{
    private readonly Argument<string> _folder = LogFolders.Argument();
    private readonly Option<double> _garbage = new("--garbage") { Description = "Segments with more garbage than this share are written anew, 0.01 to 0.9 (default: 0.1).", HelpName = "SHARE", DefaultValueFactory = _ => 0.1 };

    public LogCompactCommand()
        : base("compact", "Write what counts of a disk store anew and give the rest of the space free.", "strata log compact ./data", "strata log compact ./data/main/cold --garbage 0.02 --json")
    {
        Add(_folder);
        Add(_garbage);
    }

    public override string Notes =>
        """
        A running store compacts by itself, when half of a segment is garbage; this goes further, at once. It needs the folder
        for itself, and room for one segment more (64 MiB). Stopping it, or a crash, loses nothing.
        With --json, a line a log: {"folder","bytesBefore","bytesAfter"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        double share = run.Parsed.GetValue(_garbage);
        if (share is not (>= 0.01 and <= 0.9)) throw CliException.Usage($"--garbage takes 0.01 to 0.9; this is {share}.");
        IReadOnlyList<string> folders = LogFolders.Find(run.Parsed.GetRequiredValue(_folder));
        foreach (string folder in folders) LogFolders.RequireFree(folder, "compact");
        foreach (string folder in folders)
        {
            long before = LogFolder.Read(folder).Bytes;
            await CompactAsync(folder, share, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            var line = new LogCompactedLine(folder, before, LogFolder.Read(folder).Bytes);
            run.Report.Result($"{folder}: {ByteSize.Format(line.BytesBefore)} before, {ByteSize.Format(line.BytesAfter)} after", line, JsonLines.Context.LogCompactedLine);
            run.Report.Flush();
        }

        return ExitCode.Done;
    }

    private static async Task CompactAsync(string path, double share, CancellationToken cancellationToken)
    {
        DiskFolder folder = await Task.Run(() => DiskFolder.Open(new DiskBlobStoreOptions { Path = path, Name = Path.GetFileName(path), CompactionBytesPerSecond = null }, StoreContext.Default), cancellationToken);
        try
        {
            // What time it is says which tombstones are still needed.
            folder.Clock.TryRead(out _);
            await folder.Log.CompactAsync(share, cancellationToken);
        }
        finally
        {
            await folder.CloseAsync(null);
        }
    }
}
