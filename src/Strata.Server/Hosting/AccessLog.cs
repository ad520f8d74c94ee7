using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Strata.Server;

/// <summary>
/// A line of JSON about each request, in a file or on standard output. Requests put lines into a bounded queue and never
/// wait; one writer takes them out. What finds no room, or cannot be written, is counted, and the next line says how many.
/// </summary>
internal sealed class AccessLog : IAsyncDisposable
{
    /// <summary>The path that stands for standard output.</summary>
    public const string StandardOutput = "-";

    /// <summary>Lines that may wait for the writer.</summary>
    internal const int MaxWaiting = 8192;

    private const int BatchBytes = 64 << 10;

    /// <summary>How long the end of the server waits for a medium that takes nothing.</summary>
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(5);

    private static readonly byte[] LineEnd = [(byte)'\n'];

    private readonly Channel<AccessLine> _lines = Channel.CreateBounded<AccessLine>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly ArrayBufferWriter<byte> _batch = new(BatchBytes);
    private readonly Utf8JsonWriter _json;
    private readonly string _path;
    private readonly StoreContext _context;
    private readonly ServerMetrics _metrics;
    private readonly ILogger _log;
    private readonly Task _writing;
    private Stream? _output;
    private bool _failed;
    private long _lost;

    /// <exception cref="StrataConfigurationException">The file cannot be opened.</exception>
    /// <param name="path">A file, or <see cref="StandardOutput"/>.</param>
    /// <param name="context">Clock and loggers.</param>
    /// <param name="metrics">Counts lines lost.</param>
    /// <param name="output">What is written to instead, for tests; null for the path.</param>
    public AccessLog(string path, StoreContext context, ServerMetrics metrics, Stream? output = null)
    {
        _path = output is null ? path : StandardOutput;
        _context = context;
        _metrics = metrics;
        _log = context.Loggers.CreateLogger("Strata.Server.AccessLog");
        _json = new Utf8JsonWriter(_batch);
        try
        {
            _output = output ?? Open(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StrataConfigurationException(nameof(StrataServerOptions.AccessLog), $"cannot write the access log: {e.Message}", e);
        }

        _writing = Task.Run(WriteAllAsync);
    }

    /// <summary>The endpoint, with a line about each of its requests.</summary>
    public RequestDelegate Wrap(RequestDelegate next) => async http =>
    {
        http.Features.Set(new AccessRecord());
        DateTimeOffset time = _context.Clock.GetUtcNow();
        long started = _context.Clock.GetTimestamp();
        bool failed = true;
        try
        {
            await next(http);
            failed = false;
        }
        finally
        {
            Add(AccessLine.Of(http, time, _context.Clock.GetElapsedTime(started), failed));
        }
    };

    /// <summary>Takes a line, or counts it as lost.</summary>
    public void Add(AccessLine line)
    {
        if (!_lines.Writer.TryWrite(line)) Lose(1);
    }

    /// <summary>Takes no more lines; those that wait are written.</summary>
    public void Complete() => _lines.Writer.TryComplete();

    /// <summary>Writes what waits.</summary>
    public async ValueTask DisposeAsync()
    {
        Complete();
        try
        {
            await _writing.WaitAsync(FlushTimeout, _context.Clock);
        }
        catch (TimeoutException)
        {
            _log.LogError("The access log at {Path} takes nothing: up to {Lines} lines are lost", _path, MaxWaiting);
        }
    }

    private async Task WriteAllAsync()
    {
        ChannelReader<AccessLine> reader = _lines.Reader;
        while (await reader.WaitToReadAsync()) await WriteBatchAsync(reader);
        await WriteBatchAsync(reader);
        if (_output is not null) await _output.DisposeAsync();
        await _json.DisposeAsync();
    }

    private async Task WriteBatchAsync(ChannelReader<AccessLine> reader)
    {
        _batch.ResetWrittenCount();
        int lines = 0;

        // What failed may have ended within a line.
        if (_failed) _batch.Write(LineEnd);
        long lost = Interlocked.Exchange(ref _lost, 0);
        if (lost > 0) Append(new LostLines(_context.Clock.GetUtcNow(), lost), AccessJsonContext.Default.LostLines);
        for (; _batch.WrittenCount < BatchBytes && reader.TryRead(out AccessLine? line); lines++) Append(line, AccessJsonContext.Default.AccessLine);
        if (lines == 0 && lost == 0) return;
        try
        {
            await ReopenIfMovedAsync();
            await _output!.WriteAsync(_batch.WrittenMemory);
            await _output.FlushAsync();
            _failed = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_failed) _log.LogError(e, "The access log at {Path} cannot be written; lines are lost until it can", _path);
            _failed = true;
            Interlocked.Add(ref _lost, lost);
            Lose(lines);
        }
    }

    private void Append<T>(T line, JsonTypeInfo<T> type)
    {
        _json.Reset();
        JsonSerializer.Serialize(_json, line, type);
        _json.Flush();
        _batch.Write(LineEnd);
    }

    /// <summary>
    /// Follows a file that was renamed, removed, replaced or cut short: then the path names nothing, or something of another
    /// length than what was written. A pipe or device has no length, and nobody moves it.
    /// </summary>
    private async ValueTask ReopenIfMovedAsync()
    {
        if (_path == StandardOutput || _output is { CanSeek: false }) return;
        if (_output is not null && new FileInfo(_path) is { Exists: true } file && file.Length == _output.Position) return;
        if (_output is not null) await _output.DisposeAsync();
        _output = null;
        _output = Open(_path);
    }

    private void Lose(long lines)
    {
        Interlocked.Add(ref _lost, lines);
        _metrics.CountLinesLost(lines);
    }

    /// <summary>Others may read and move the file; only its user and group may read it.</summary>
    private static Stream Open(string path)
    {
        if (path == StandardOutput) return Console.OpenStandardOutput();
        var options = new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        return new FileStream(path, options);
    }
}
