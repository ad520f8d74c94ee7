using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Strata.Cli;

/// <summary>
/// What the tool says: results on standard output (lines of text, or with <c>--json</c> one JSON document a line),
/// everything else on standard error. Safe for concurrent use.
/// </summary>
internal sealed class Report : IDisposable
{
    private static readonly byte[] NewLine = "\n"u8.ToArray();

    private readonly Lock _gate = new();
    private readonly BufferedStream _output = new(Console.OpenStandardOutput(), 64 * 1024);

    public Report(bool json) => IsJson = json;

    /// <summary>True if standard output is for machines.</summary>
    public bool IsJson { get; }

    /// <summary>True if a person watches standard error.</summary>
    public static bool IsWatched => !Console.IsErrorRedirected;

    /// <summary>A result: text for a person, JSON for a machine.</summary>
    public void Result<T>(string text, T line, JsonTypeInfo<T> type)
    {
        if (IsJson) Json(line, type);
        else Text(text);
    }

    /// <summary>A line for a machine.</summary>
    public void Json<T>(T line, JsonTypeInfo<T> type)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(line, type);
        lock (_gate)
        {
            _output.Write(json);
            _output.Write(NewLine);
        }
    }

    /// <summary>A line for a person, on standard output.</summary>
    public void Text(string line)
    {
        lock (_gate)
        {
            _output.Write(System.Text.Encoding.UTF8.GetBytes(Printable(line)));
            _output.Write(NewLine);
        }
    }

    /// <summary>Hands on what has been said so far.</summary>
    public void Flush()
    {
        lock (_gate) _output.Flush();
    }

    /// <summary>A failure, as one line on standard error.</summary>
    public static void Error(string message) => Console.Error.WriteLine("strata: " + PrintableLine(message));

    /// <summary>A remark on standard error, which a machine does not need.</summary>
    public void Note(string message)
    {
        if (!IsJson) Console.Error.WriteLine("strata: " + PrintableLine(message));
    }

    /// <summary>What has not been handed on is dropped: it could not be written, which has been told.</summary>
    public void Dispose()
    {
        try
        {
            _output.Dispose();
        }
        catch (IOException)
        {
            // Told by the Flush that failed before.
        }
    }

    /// <summary>Names of files and metadata are other people's text: it must not drive this user's terminal.</summary>
    private static string Printable(string text) => Replaced(text, static c => char.IsControl(c) && c != '\n');

    private static string PrintableLine(string text) => Replaced(text, char.IsControl);

    private static string Replaced(string text, Predicate<char> isReplaced) =>
        text.Any(c => isReplaced(c)) ? string.Concat(text.Select(c => isReplaced(c) ? '\uFFFD' : c)) : text;
}
