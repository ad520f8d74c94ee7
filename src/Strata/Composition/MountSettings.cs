using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace Strata;

/// <summary>The configuration of one mount: <c>Strata:Stores:NAME:Mounts:N</c>. It is a store like any other, for the keys of its prefix.</summary>
public sealed partial record MountSettings
{
    /// <summary>The keys that go there begin with this text; empty (where it is left out) for all that no other mount takes.</summary>
    public required string Prefix { get; init; }

    /// <summary>The mount's name in messages and statistics; by default its prefix without a <c>/</c> at the end, and <c>root</c> without one.</summary>
    public required string Name { get; init; }

    /// <summary>Its tiers and how copies come and go, named <c>STORE/NAME</c>.</summary>
    public required StoreSettings Store { get; init; }

    /// <summary>The mounts of a store; none if it has no such setting.</summary>
    /// <exception cref="StrataConfigurationException">A setting is wrong.</exception>
    internal static IReadOnlyList<MountSettings> ReadAll(SettingsSection store, string name)
    {
        MountSettings[] mounts = [.. store.Children("Mounts").Select(mount => Read(mount, name))];
        if (Twice(mounts, mount => mount.Prefix) is { } prefix) throw new StrataConfigurationException(store.PathOf("Mounts"), $"two mounts have the prefix '{prefix}'; prefixes must differ.");
        if (Twice(mounts, mount => mount.Name) is { } twice) throw new StrataConfigurationException(store.PathOf("Mounts"), $"two mounts are named '{twice}'; names must differ.");
        return mounts;
    }

    private static MountSettings Read(IConfigurationSection configuration, string store)
    {
        var section = new SettingsSection(configuration, "Prefix", "Name", "Url", "Tiers", "Tiering");
        if (configuration.GetSection("Prefix").GetChildren().Any()) throw new StrataConfigurationException(section.PathOf("Prefix"), "is a group of settings, and takes one text.");

        // As it stands: a key may begin or end with a space.
        string prefix = configuration["Prefix"] ?? "";
        if (!BlobKey.TryParse(prefix + "x", out _, out string? error)) throw new StrataConfigurationException(section.PathOf("Prefix"), $"is '{prefix}', and no key begins so. {error}");
        string name = section.Text("Name") ?? (prefix.Length == 0 ? "root" : prefix.TrimEnd('/'));
        if (!NamePattern().IsMatch(name))
        {
            throw section.Text("Name") is null
                ? section.Missing("Name", "1 to 63 letters, digits, '-', '_' and '.' (it is the prefix where that is so)")
                : new StrataConfigurationException(section.PathOf("Name"), "takes 1 to 63 letters, digits, '-', '_' and '.', and begins with a letter or digit.");
        }

        return new MountSettings { Prefix = prefix, Name = name, Store = StoreSettings.ReadTiers(configuration, section, $"{store}/{name}") ?? throw section.Missing("Url", "an address such as file:./data/photos; or Tiers") };
    }

    private static string? Twice(IEnumerable<MountSettings> mounts, Func<MountSettings, string> text) =>
        mounts.GroupBy(text, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1)?.Key;

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}
