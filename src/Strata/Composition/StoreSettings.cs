using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace Strata;

/// <summary>The configuration of one store: <c>Strata:Stores:NAME</c>.</summary>
public sealed partial record StoreSettings
{
    /// <summary>The store's name: 3 to 63 lower-case letters, digits, <c>-</c> and <c>.</c>, as S3 buckets are named.</summary>
    public required string Name { get; init; }

    /// <summary>Its path in the configuration, for messages.</summary>
    public required string Setting { get; init; }

    /// <summary>Its tiers, fastest first; the last one is the origin. A store with a <c>Url</c> alone has one, one of <see cref="Mounts"/> has none of its own.</summary>
    public required IReadOnlyList<TierSettings> Tiers { get; init; }

    /// <summary>The stores that take its keys by their prefixes; empty for a store that takes them itself.</summary>
    public IReadOnlyList<MountSettings> Mounts { get; init; } = [];

    /// <summary>How copies come and go.</summary>
    public TieringOptions Tiering { get; init; } = new();

    /// <summary>The address of the KV database of its state, and its own (<c>Tiering:State</c>); null: rows of its first durable tier, origin first.</summary>
    public string? State { get; init; }

    /// <summary>What a store is where nothing is configured: 128 MiB of memory over a 20 GiB folder of copies over a folder that keeps everything.</summary>
    public static StoreSettings Default(string name, string data) => new()
    {
        Name = name,
        Setting = $"Strata:Stores:{name}",
        Tiers =
        [
            new TierSettings { Name = "hot", Url = "memory:", MaxBytes = 128L << 20 },
            new TierSettings { Name = "warm", Url = FolderUrl(Path.Combine(data, name, "warm")), MaxBytes = 20L << 30, MaxBlobBytes = 256L << 20 },
            new TierSettings { Name = "cold", Url = FolderUrl(Path.Combine(data, name, "cold")) },
        ],
        Tiering = new TieringOptions { Name = name },
    };

    internal static StoreSettings Read(IConfigurationSection configuration, string data)
    {
        var section = new SettingsSection(configuration, "Url", "Tiers", "Tiering", "Mounts");
        string name = configuration.Key;
        if (!NamePattern().IsMatch(name))
            throw new StrataConfigurationException(section.Path, "a store's name takes 3 to 63 lower-case letters, digits, '-' and '.', and begins and ends with a letter or digit.");
        IReadOnlyList<MountSettings> mounts = MountSettings.ReadAll(section, name);
        if (mounts.Count == 0) return ReadTiers(configuration, section, name) ?? ReadTiering(configuration, section, name, Default(name, data).Tiers);
        if (section.Text("Url") is not null || section.Children("Tiers").Any() || section.Children("Tiering").Any())
            throw new StrataConfigurationException(section.Path, "has Mounts beside Url, Tiers or Tiering; those belong into the mounts.");
        return new StoreSettings { Name = name, Setting = section.Path, Tiers = [], Mounts = mounts };
    }

    /// <summary>A store of a URL or of tiers; null if neither is given.</summary>
    internal static StoreSettings? ReadTiers(IConfigurationSection configuration, SettingsSection section, string name)
    {
        string? url = section.Text("Url");
        TierSettings[] tiers = [.. section.Children("Tiers").Select(TierSettings.Read)];
        if (url is not null && tiers.Length > 0) throw new StrataConfigurationException(section.Path, "has both Url and Tiers; give one of them.");
        if (url is not null) tiers = [new TierSettings { Name = "origin", Url = url, Setting = section.PathOf("Url") }];
        return tiers.Length == 0 ? null : ReadTiering(configuration, section, name, tiers);
    }

    private static StoreSettings ReadTiering(IConfigurationSection configuration, SettingsSection section, string name, IReadOnlyList<TierSettings> tiers)
    {
        var tiering = new SettingsSection(configuration.GetSection("Tiering"), ["Containment", "Writes", "WriteBack", "MaxSharedLoadBytes", "RequestLife", "State", .. FreshnessSettings.Names, .. PlacementSettings.Names]);
        var back = new SettingsSection(configuration.GetSection("Tiering:WriteBack"), "Parallelism", "MaxPending", "MaxPendingBytes", "MaxAttempts");
        var defaults = new TieringOptions { Name = name };
        if (tiers.GroupBy(t => t.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new StrataConfigurationException(section.PathOf("Tiers"), $"two tiers are named '{twice.Key}'; names must differ.");
        return new StoreSettings
        {
            Name = name,
            Setting = section.Path,
            Tiers = tiers,
            State = tiering.Text("State"),
            Tiering = PlacementSettings.Read(tiering, FreshnessSettings.Read(tiering, defaults), [.. tiers.Select(tier => tier.Name)]) with
            {
                Containment = tiering.Choice<Containment>("Containment") ?? defaults.Containment,
                Writes = tiering.Choice<TieringWrites>("Writes") ?? defaults.Writes,
                WriteBack = new WriteBackOptions
                {
                    Parallelism = back.Count("Parallelism", 1_000) ?? defaults.WriteBack.Parallelism,
                    MaxPending = back.Count("MaxPending") ?? defaults.WriteBack.MaxPending,
                    MaxPendingBytes = back.Size("MaxPendingBytes", 64 << 10, long.MaxValue),
                    MaxAttempts = back.Count("MaxAttempts", 1_000) ?? defaults.WriteBack.MaxAttempts,
                },
                MaxSharedLoadBytes = (int)(tiering.Size("MaxSharedLoadBytes", 0, 64 << 20) ?? defaults.MaxSharedLoadBytes),
                RequestLife = tiering.Time("RequestLife") ?? defaults.RequestLife,
            },
        };
    }

    /// <summary>Whether S3 takes the name for a bucket's: also without <c>..</c>, and not like an IPv4 address.</summary>
    internal static bool IsName(string name) => NamePattern().IsMatch(name) && !name.Contains("..", StringComparison.Ordinal) && !AddressPattern().IsMatch(name);

    internal static string FolderUrl(string path) => "file:" + Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal);

    [GeneratedRegex(@"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"^\d+\.\d+\.\d+\.\d+\z", RegexOptions.CultureInvariant)]
    private static partial Regex AddressPattern();
}
