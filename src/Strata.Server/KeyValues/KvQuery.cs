using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Strata.Server;

/// <summary>The parameters of a call of Strata's own on a KV database. One that is unknown, or there twice, is an error: a mistyped one is never ignored.</summary>
internal sealed class KvQuery
{
    private readonly IQueryCollection _query;

    /// <exception cref="ArgumentException">There is one that is not among these, or is there twice.</exception>
    public KvQuery(HttpRequest request, params ReadOnlySpan<string> known)
    {
        _query = request.Query;
        foreach ((string name, StringValues values) in _query)
        {
            if (!known.Contains(name)) throw new ArgumentException($"There is no parameter '{name}' here; there is {string.Join(", ", known!)}.");
            if (values.Count > 1) throw new ArgumentException($"'{name}' may be there only once.");
        }
    }

    /// <summary>A text; null where it is not given.</summary>
    public string? Text(string name) => _query.TryGetValue(name, out StringValues values) ? values[0] ?? "" : null;

    /// <summary>A text that must be there.</summary>
    /// <exception cref="ArgumentException">It is not.</exception>
    public string Required(string name) => Text(name) ?? throw new ArgumentException($"'{name}' is missing.");

    /// <summary>A whole number.</summary>
    /// <exception cref="ArgumentException">It is none, or out of its range.</exception>
    public int Count(string name, int standard, int least, int most)
    {
        if (Text(name) is not { } text) return standard;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count >= least && count <= most
            ? count
            : throw new ArgumentException($"'{name}' is a whole number from {least} to {most}.");
    }

    /// <summary>A time span.</summary>
    /// <exception cref="ArgumentException">It is none, or out of its range.</exception>
    public TimeSpan Time(string name, TimeSpan standard, TimeSpan least, TimeSpan most)
    {
        if (Text(name) is not { } text) return standard;
        TimeSpan time = TimeOf(name, text);
        return time >= least && time <= most ? time : throw new ArgumentException($"'{name}' is {least} to {most}; this is '{text}'.");
    }

    /// <summary>Time spans with commas between them; empty: none.</summary>
    /// <exception cref="ArgumentException">One is none.</exception>
    public IReadOnlyList<TimeSpan>? Times(string name) => Text(name) is { } text ? text.Length == 0 ? [] : [.. text.Split(',').Select(t => TimeOf(name, t))] : null;

    /// <summary>A key, as a JSON array; null where it is not given.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public KvKey? Key(string name) => Text(name) is not { } text ? null : KvKey.TryParse(text, out KvKey key, out string? error) ? key : throw new ArgumentException($"'{name}' is no key. {error}");

    /// <summary>The keys that <c>prefix</c>, <c>start</c> and <c>end</c> select.</summary>
    /// <exception cref="ArgumentException">One is no key, or they do not fit together.</exception>
    public KvSelector Selector() => KvSelector.Prefix(Key("prefix") ?? default, Key("start"), Key("end"));

    private static TimeSpan TimeOf(string name, string text) => Duration.TryParse(text, out TimeSpan time) ? time : throw new ArgumentException($"'{name}' takes {Duration.Accepted}; this is '{text}'.");
}
