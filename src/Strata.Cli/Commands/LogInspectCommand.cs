using System.CommandLine;
using System.Globalization;

namespace Strata.Cli;

/// <summary><c>strata log inspect</c></summary>
internal sealed class LogInspectCommand : StrataCommand
{
    private readonly Argument<string> _folder = LogFolders.Argument();
    private readonly Option<string?> _keys = new("--keys") { Description = "List the latest entries instead, of all keys or of those that begin so.", HelpName = "PREFIX", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<int> _limit = new("--limit") { Description = "At most this many entries (default: 1000).", HelpName = "COUNT", DefaultValueFactory = _ => 1_000 };

    public LogInspectCommand()
        : base(
            "inspect",
            "Show what a disk store's files hold: segments, garbage, totals; or keys, never values.",
            "strata log inspect ./data",
            "strata log inspect ./data/main/cold --keys",
            "strata log inspect ./data/main/cold --keys photos/ --limit 50 --json")
    {
        Add(_folder);
        Add(_keys);
        Add(_limit);
    }

    public override string Notes =>
        """
        Changes nothing. Reads hints, and of segments only those that have none; so it finds little damage: see 'log verify'.
        Beside a running server the figures are of some moment while it looked.
        With --json, a document a log: {"folder","ownedBy","lastSequence","segments":[…],"keyspaces":[…],"spares",…};
        with --keys, a line an entry: {"keyspace","key","sequence","length","expires","tombstone","reference","file","offset"}.
        """;

    protected override Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        int limit = run.Parsed.GetValue(_limit);
        if (limit < 1) throw CliException.Usage($"--limit takes 1 or more; this is {limit}.");
        bool listsKeys = run.Parsed.GetResult(_keys) is not null;
        int code = ExitCode.Done;
        foreach (string folder in LogFolders.Find(run.Parsed.GetRequiredValue(_folder)))
        {
            FolderOwner? owner = LogFolder.FindOwner(folder);
            if (owner is not null) run.Report.Note($"{folder} is in use by process {owner.ProcessId}; the figures may be moving.");
            using LogSurvey survey = LogSurvey.Read(folder, isThorough: false, isShared: owner is not null, _ => cancellationToken.ThrowIfCancellationRequested());
            if (listsKeys) ListKeys(run.Report, survey, run.Parsed.GetValue(_keys) ?? "", limit, cancellationToken);
            else Describe(run.Report, folder, survey, owner);
            foreach (string note in survey.Notes) run.Report.Note(note);
            foreach (LogDamage damage in survey.Damages) Report.Error(LogDamageLine.Of(folder, damage).ToString());
            if (survey.Damages.Count > 0) code = ExitCode.Failed;
            run.Report.Flush();
        }

        return Task.FromResult(code);
    }

    private static void ListKeys(Report report, LogSurvey survey, string prefix, int limit, CancellationToken cancellationToken)
    {
        int left = limit;
        survey.Visit((key, sequence, location, expires) =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            string text = LogKeyText.Of(key);
            if (left == 0 || !text.StartsWith(prefix, StringComparison.Ordinal)) return;
            left--;
            var line = new LogEntryLine(
                LogKeyText.SpaceOf(key),
                text,
                sequence,
                location.Length,
                expires == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(expires),
                location.Flags.HasFlag(LogEntryFlags.Tombstone),
                location.Flags.HasFlag(LogEntryFlags.Reference),
                LogSegmentFiles.NameOf(location.Segment),
                location.Offset);
            report.Result(Describe(line), line, JsonLines.Context.LogEntryLine);
        });
        if (left == 0) report.Note($"Stopped after {Columns.Count(limit, "entry", "entries")}; --limit shows more.");
    }

    private static string Describe(LogEntryLine line)
    {
        string what = line.Tombstone ? "deleted" : line.Reference ? "value in files" : "";
        string expires = line.Expires is { } at ? $"{(line.Tombstone ? "kept until" : "expires")} {Columns.Time(at)}" : "";
        return $"{line.Keyspace,-10}  {line.Sequence,10}  {ByteSize.Format(line.Length),9}  {what,-14}  {line.File}:{line.Offset,-10}  {line.Key}  {expires}".TrimEnd();
    }

    private static void Describe(Report report, string folder, LogSurvey survey, FolderOwner? owner)
    {
        var totals = new SortedDictionary<byte, LogKeyspaceLine>();
        survey.Visit((key, _, location, _) =>
        {
            LogKeyspaceLine before = totals.TryGetValue(key[0], out LogKeyspaceLine? known) ? known : new LogKeyspaceLine(LogKeyText.SpaceOf(key), 0, 0, 0);
            bool isTombstone = location.Flags.HasFlag(LogEntryFlags.Tombstone);
            totals[key[0]] = before with { Entries = before.Entries + (isTombstone ? 0 : 1), Tombstones = before.Tombstones + (isTombstone ? 1 : 0), Bytes = before.Bytes + location.Length };
        });
        LogFolder files = survey.Folder;
        var line = new LogLine(
            folder,
            owner?.ProcessId,
            survey.Last,
            [.. survey.Segments.OrderBy(s => s.Incarnation).Select(Line)],
            [.. totals.Values],
            files.Spares,
            files.SpareBytes,
            files.Unfinished,
            files.ValueFiles,
            files.ValueFileBytes,
            [.. survey.Damages.Select(d => LogDamageLine.Of(folder, d))],
            survey.Notes);
        if (report.IsJson) report.Json(line, JsonLines.Context.LogLine);
        else Print(report, line);
    }

    private static LogSegmentLine Line(LogSegmentView s) => new(
        s.Name, s.Header.Kind, s.First, s.Last, s.Entries, s.LiveEntries, s.LiveBytes, s.UsedBytes, s.FileBytes, Math.Round(Math.Clamp(s.GarbageShare, 0, 1), 3), s.State, s.Hint);

    private static void Print(Report report, LogLine log)
    {
        report.Text(log.Folder);
        report.Text($"  {"segment",-12}  {"kind",-9}  {"state",-7}  {"hint",-7}  {"LSNs",-21}  {"entries",9}  {"live",9}  {"live bytes",10}  {"garbage",7}  {"file",9}");
        foreach (LogSegmentLine s in log.Segments)
        {
            string sequences = string.Create(CultureInfo.InvariantCulture, $"{s.FirstSequence}-{s.LastSequence}"), garbage = s.Garbage.ToString("P0", CultureInfo.InvariantCulture);
            report.Text($"  {Path.GetFileName(s.File),-12}  {s.Kind,-9}  {s.State,-7}  {s.Hint,-7}  {sequences,-21}  {Columns.Count(s.Entries),9}  {Columns.Count(s.LiveEntries),9}  {ByteSize.Format(s.LiveBytes),10}  {garbage,7}  {ByteSize.Format(s.FileBytes),9}");
        }

        foreach (LogKeyspaceLine k in log.Keyspaces) report.Text($"  {k.Keyspace,-12}  {Columns.Count(k.Entries, "entry", "entries")}, {Columns.Count(k.Tombstones, "tombstone", "tombstones")}, {ByteSize.Format(k.Bytes)}");
        report.Text($"  {"spares",-12}  {log.Spares}, {ByteSize.Format(log.SpareBytes)}{(log.Unfinished > 0 ? $"; {Columns.Count(log.Unfinished, "unfinished file", "unfinished files")}" : "")}");
        report.Text($"  {"value files",-12}  {Columns.Count(log.ValueFiles)}, {ByteSize.Format(log.ValueFileBytes)}");
    }
}
