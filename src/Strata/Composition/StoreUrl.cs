namespace Strata;

/// <summary>A store's address: <c>scheme:path?option=value</c>. A plain path is a folder: <c>file:</c>.</summary>
public sealed class StoreUrl
{
    private readonly Dictionary<string, string> _options;

    private StoreUrl(string scheme, string path, Dictionary<string, string> options)
    {
        Scheme = scheme;
        Path = path;
        _options = options;
    }

    /// <summary>The scheme, in lower case, without its colon.</summary>
    public string Scheme { get; }

    /// <summary>What stands between the scheme and the options, with <c>%XX</c> decoded; may be empty.</summary>
    public string Path { get; }

    /// <summary>Names of the options given.</summary>
    public IEnumerable<string> OptionNames => _options.Keys;

    /// <summary>The scheme of an address, or null if it is a plain path. A single letter is a drive, not a scheme.</summary>
    public static string? SchemeOf(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 2 || !char.IsAsciiLetter(text[0])) return null;
        return text.AsSpan(0, colon).ContainsAnyExcept(SchemeCharacters) ? null : text[..colon].ToLowerInvariant();
    }

    /// <summary>Parses an address.</summary>
    /// <exception cref="FormatException">It is malformed; the message says how.</exception>
    public static StoreUrl Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string? scheme = SchemeOf(text);
        if (scheme is null) return new StoreUrl("file", text, []);
        string rest = text[(scheme.Length + 1)..];
        if (rest.StartsWith("//", StringComparison.Ordinal)) rest = rest[2..];
        string[] parts = rest.Split('?', 2);
        var options = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (string pair in parts.Length == 2 ? parts[1].Split('&', StringSplitOptions.RemoveEmptyEntries) : [])
        {
            string[] halves = pair.Split('=', 2);
            if (halves.Length != 2) throw new FormatException($"the option '{pair}' has no value; write it as {pair}=VALUE");
            if (!options.TryAdd(Uri.UnescapeDataString(halves[0]), Uri.UnescapeDataString(halves[1]))) throw new FormatException($"the option '{halves[0]}' is given twice");
        }

        return new StoreUrl(scheme, Uri.UnescapeDataString(parts[0]), options);
    }

    /// <summary>The option's value, or null.</summary>
    public string? Option(string name) => _options.GetValueOrDefault(name);

    /// <summary>The address without its options, which may hold secrets.</summary>
    public override string ToString() => $"{Scheme}:{Path}";

    private static readonly System.Buffers.SearchValues<char> SchemeCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
}
