using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Strata;

/// <summary>Reads the settings of one section, and refuses names that it does not know.</summary>
/// <remarks>What stands where a group belongs is not repeated in the message: it may be a secret at the wrong place.</remarks>
internal sealed class SettingsSection
{
    private readonly IConfigurationSection _section;

    public SettingsSection(IConfigurationSection section, params string[] known)
    {
        _section = section;
        if (section.Value is { Length: > 0 }) throw new StrataConfigurationException(section.Path, $"is a text, and takes a group of settings: {string.Join(", ", known)}.");
        if (section.GetChildren().FirstOrDefault(c => !known.Contains(c.Key, StringComparer.OrdinalIgnoreCase)) is { } unknown)
            throw new StrataConfigurationException(unknown.Path, $"is no setting; known here are {string.Join(", ", known)}.");
    }

    public string Path => _section.Path;

    public string PathOf(string name) => ConfigurationPath.Combine(_section.Path, name);

    public IEnumerable<IConfigurationSection> Children(string name)
    {
        IConfigurationSection group = _section.GetSection(name);
        if (group.Value is { Length: > 0 }) throw new StrataConfigurationException(group.Path, "is a text, and takes a group of settings.");
        return group.GetChildren();
    }

    public string? Text(string name)
    {
        IConfigurationSection setting = _section.GetSection(name);
        if (setting.GetChildren().Any()) throw new StrataConfigurationException(setting.Path, "is a group of settings, and takes one text.");
        if (setting.Value is null) return null;
        return setting.Value.Trim() is { Length: > 0 } text ? text : throw new StrataConfigurationException(setting.Path, "is empty.");
    }

    /// <summary>A text that is kept as it stands; no message repeats it.</summary>
    public string? Secret(string name)
    {
        _ = Text(name);
        return _section[name];
    }

    /// <summary>Some texts: a list, or one text alone; null if there are none.</summary>
    public IReadOnlyList<string>? Texts(string name)
    {
        IConfigurationSection list = _section.GetSection(name);
        IConfigurationSection[] items = [.. list.GetChildren()];
        if (items.Length == 0) return Text(name) is { } one ? [one] : null;
        var group = new SettingsSection(list, [.. items.Select(i => i.Key)]);
        return [.. items.Select(i => group.Text(i.Key) ?? throw group.Missing(i.Key, "a text"))];
    }

    public int? Count(string name, int most = int.MaxValue)
    {
        if (Text(name) is not { } text) return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count <= most
            ? count
            : throw new StrataConfigurationException(PathOf(name), $"is '{text}', and takes a whole number from 0 to {most}.");
    }

    /// <summary>A number of 0 or more, with a point before its fraction.</summary>
    public decimal? Number(string name)
    {
        if (Text(name) is not { } text) return null;
        return decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)
            ? number
            : throw new StrataConfigurationException(PathOf(name), $"is '{text}', and takes a number of 0 or more, such as 0.023.");
    }

    public TimeSpan? Time(string name)
    {
        if (Text(name) is not { } text) return null;
        return Duration.TryParse(text, out TimeSpan time) ? time : throw new StrataConfigurationException(PathOf(name), $"is '{text}', and takes {Duration.Accepted}.");
    }

    public bool? Flag(string name) => Text(name) switch
    {
        null => null,
        { } text when bool.TryParse(text, out bool flag) => flag,
        { } text => throw new StrataConfigurationException(PathOf(name), $"is '{text}', and takes true or false."),
    };

    /// <summary>One of the names of an enumeration.</summary>
    public T? Choice<T>(string name)
        where T : struct, Enum
    {
        if (Text(name) is not { } text) return null;
        string? known = Enum.GetNames<T>().FirstOrDefault(n => n.Equals(text, StringComparison.OrdinalIgnoreCase));
        return known is not null ? Enum.Parse<T>(known) : throw new StrataConfigurationException(PathOf(name), $"is '{text}', and takes one of {string.Join(", ", Enum.GetNames<T>())}.");
    }

    public long? Size(string name, long least, long most)
    {
        if (Text(name) is not { } text) return null;
        if (!ByteSize.TryParse(text, out long bytes)) throw new StrataConfigurationException(PathOf(name), $"is '{text}', and takes {ByteSize.Accepted}.");
        if (bytes >= least && bytes <= most) return bytes;
        string range = most == long.MaxValue ? $"{ByteSize.Format(least)} or more" : $"{ByteSize.Format(least)} to {ByteSize.Format(most)}";
        throw new StrataConfigurationException(PathOf(name), $"is '{text}', and takes {range}.");
    }

    public StrataConfigurationException Missing(string name, string takes) => new(PathOf(name), $"is missing; it takes {takes}.");
}
