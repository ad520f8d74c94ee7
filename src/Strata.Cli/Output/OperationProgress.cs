using System.Diagnostics;

namespace Strata.Cli;

/// <summary>How far a long operation is: one line on standard error that is written over, while a person watches it.</summary>
internal sealed class OperationProgress : IProgress<TieringProgress>, IProgress<UpkeepProgress>, IDisposable
{
    private const long EveryMilliseconds = 200;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Lock _gate = new();
    private int _width;
    private long _shown;

    public void Report(TieringProgress value) =>
        Show(() => $"{Columns.Count(value.LookedAt)} looked at, {Columns.Count(value.Promoted)} up, {Columns.Count(value.Demoted)} down, {ByteSize.Format(value.Bytes)}{(value.Failed > 0 ? $", {Columns.Count(value.Failed)} failed" : "")}");

    public void Report(UpkeepProgress value) =>
        Show(() => $"{Columns.Count(value.Examined)} looked at{(value.Changed > 0 ? $", {Columns.Count(value.Changed)} changed" : "")}{(value.Bytes > 0 ? $", {ByteSize.Format(value.Bytes)}" : "")}");

    public void Dispose()
    {
        lock (_gate)
        {
            if (_width > 0) Console.Error.Write($"\r{new string(' ', _width)}\r");
            _width = 0;
        }
    }

    private void Show(Func<string> text)
    {
        if (!Strata.Cli.Report.IsWatched) return;
        lock (_gate)
        {
            if (_clock.ElapsedMilliseconds - _shown < EveryMilliseconds) return;
            _shown = _clock.ElapsedMilliseconds;
            string line = text();
            _width = Math.Max(_width, line.Length);
            Console.Error.Write($"\r{line.PadRight(_width)}");
        }
    }
}
