using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Strata;

/// <summary>
/// What tells one log from all others: a random number that each of its segments and hints states, and that every checksum
/// depends on (<see cref="LogSeed"/>). No file has it alone, so none can take the log with it. It is nothing to print: who
/// knows it could write a value that passes for a part of the log.
/// </summary>
internal static class LogIdentity
{
    /// <summary>The number of no log.</summary>
    public const ulong None = 0;

    private const int NamesShown = 3;

    public static ulong Create()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        while (true)
        {
            RandomNumberGenerator.Fill(bytes);
            if (BinaryPrimitives.ReadUInt64LittleEndian(bytes) is not None and var identity) return identity;
        }
    }

    /// <summary>Segments by the log that they state to be of, the log with the most of them first.</summary>
    public static IReadOnlyList<IReadOnlyList<uint>> Group(IEnumerable<(uint Incarnation, ulong Identity)> segments) =>
        [.. segments.GroupBy(s => s.Identity, s => s.Incarnation).Select(g => g.Order().ToArray()).OrderByDescending(g => g.Length).ThenBy(g => g[0])];

    /// <summary>Segments of several logs in words.</summary>
    public static string Describe(IReadOnlyList<IReadOnlyList<uint>> logs) => string.Join("; of another ", logs.Select(Describe));

    private static string Describe(IReadOnlyList<uint> segments)
    {
        string names = string.Join(", ", segments.Take(NamesShown).Select(LogSegmentFiles.NameOf));
        return segments.Count > NamesShown ? $"{names} and {segments.Count - NamesShown} more" : names;
    }
}
