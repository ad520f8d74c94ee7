using System.Globalization;

namespace Strata;

/// <summary>Reads the options of an address, and refuses those that its scheme does not have.</summary>
internal sealed class StoreUrlOptions
{
    private readonly StoreUrl _url;

    public StoreUrlOptions(StoreUrl url, params string[] known)
    {
        _url = url;
        if (url.OptionNames.FirstOrDefault(name => !known.Contains(name, StringComparer.OrdinalIgnoreCase)) is { } unknown)
            throw new FormatException($"has the option '{unknown}', which '{url.Scheme}:' does not know; it knows {string.Join(", ", known)}");
    }

    public long? Size(string name) => _url.Option(name) switch
    {
        null => null,
        { } text when ByteSize.TryParse(text, out long bytes) => bytes,
        { } text => throw new FormatException($"has {name}={text}; it takes {ByteSize.Accepted}"),
    };

    /// <summary>A time of more than 0.</summary>
    public TimeSpan? Time(string name) => _url.Option(name) switch
    {
        null => null,
        { } text when Duration.TryParse(text, out TimeSpan time) && time > TimeSpan.Zero => time,
        { } text => throw new FormatException($"has {name}={text}; it takes more than 0: {Duration.Accepted}"),
    };

    /// <summary>A number of 0 or more.</summary>
    public int? Number(string name) => _url.Option(name) switch
    {
        null => null,
        { } text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) => number,
        { } text => throw new FormatException($"has {name}={text}; it takes a number"),
    };

    public T Choice<T>(string name, T standard, params (string Text, T Value)[] choices)
    {
        if (_url.Option(name) is not { } text) return standard;
        foreach ((string known, T value) in choices)
        {
            if (string.Equals(known, text, StringComparison.OrdinalIgnoreCase)) return value;
        }

        throw new FormatException($"has {name}={text}; it takes {string.Join(" or ", choices.Select(c => c.Text))}");
    }

    public static void AtLeast(string name, long value, long least)
    {
        if (value < least) throw new FormatException($"has {name} {value}; it takes {ByteSize.Format(least)} or more");
    }
}
