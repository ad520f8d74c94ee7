using System.Diagnostics;

namespace Strata.Cli;

/// <summary>How far a log has been read, on standard error while a person watches it.</summary>
internal sealed class LogProgress(long expected, bool isShown, CancellationToken cancellationToken) : IDisposable
{
    private const long EveryMilliseconds = 200;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long _read;
    private long _shown;

    /// <summary>Some bytes more were read.</summary>
    /// <exception cref="OperationCanceledException">The user has had enough.</exception>
    public void Add(long bytes)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _read += bytes;
        if (!isShown || _clock.ElapsedMilliseconds - _shown < EveryMilliseconds) return;
        _shown = _clock.ElapsedMilliseconds;
        Console.Error.Write($"\r{ByteSize.Format(_read)} of {ByteSize.Format(Math.Max(expected, _read))} read   ");
    }

    public void Dispose()
    {
        if (_shown > 0) Console.Error.Write($"\r{new string(' ', 50)}\r");
    }
}
