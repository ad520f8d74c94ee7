using Microsoft.Extensions.Configuration;

namespace Strata;

/// <summary>The configuration of stores that are made and removed at run time, as S3's buckets are: <c>Strata:Buckets</c>.</summary>
public sealed record BucketSettings
{
    /// <summary>
    /// True if buckets may be created and deleted; those that were created are served in any case. Read from a configuration
    /// the default is true if it has no stores, else false.
    /// </summary>
    public bool Create { get; init; }

    /// <summary>The most created buckets: 0 to 10,000. Default 100.</summary>
    public int Max { get; init; } = 100;

    /// <summary>Memory of each created bucket for copies of what is used, in bytes: 64 KiB or more. Default 32 MiB.</summary>
    public long HotBytes { get; init; } = 32L << 20;

    internal static BucketSettings Read(IConfigurationSection configuration, bool hasStores)
    {
        var section = new SettingsSection(configuration, "Create", "Max", "HotBytes");
        var defaults = new BucketSettings();
        return new BucketSettings
        {
            Create = section.Flag("Create") ?? !hasStores,
            Max = section.Count("Max", 10_000) ?? defaults.Max,
            HotBytes = section.Size("HotBytes", 64 << 10, long.MaxValue) ?? defaults.HotBytes,
        };
    }

    /// <summary>The store of a created bucket: memory over a folder.</summary>
    internal StoreSettings StoreOf(string name, string folder) => new()
    {
        Name = name,
        Setting = $"bucket '{name}'",
        Tiers =
        [
            new TierSettings { Name = "hot", Url = "memory:", MaxBytes = HotBytes },
            new TierSettings { Name = "cold", Url = StoreSettings.FolderUrl(folder) },
        ],
        Tiering = new TieringOptions { Name = name },
    };
}
