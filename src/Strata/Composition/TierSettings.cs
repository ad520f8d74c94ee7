using Microsoft.Extensions.Configuration;

namespace Strata;

/// <summary>The configuration of one tier: <c>Strata:Stores:NAME:Tiers:N</c>.</summary>
public sealed record TierSettings
{
    /// <summary>The tier's name; conventionally <c>hot</c>, <c>warm</c>, <c>cold</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Its address (<see cref="StoreUrlRegistry"/>).</summary>
    public required string Url { get; init; }

    /// <summary>Its path in the configuration, for messages.</summary>
    public string Setting { get; init; } = "Url";

    /// <summary>Capacity in bytes, 64 KiB or more; null for the store's default.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>The longest blob, in bytes, that gets a copy here; null for an eighth of <see cref="MaxBytes"/>. The origin takes any.</summary>
    public long? MaxBlobBytes { get; init; }

    /// <summary>How long a read waits for it while there is an alternative (<see cref="Tier.SoftTimeout"/>); null for no limit.</summary>
    public TimeSpan? SoftTimeout { get; init; }

    /// <summary>How long a read of it may make no progress (<see cref="Tier.HardTimeout"/>); null for no limit but the store's own.</summary>
    public TimeSpan? HardTimeout { get; init; }

    internal static TierSettings Read(IConfigurationSection configuration)
    {
        var section = new SettingsSection(configuration, "Name", "Url", "MaxBytes", "MaxBlobBytes", "SoftTimeout", "HardTimeout");
        return new TierSettings
        {
            Name = section.Text("Name") ?? throw section.Missing("Name", "a name such as hot, warm or cold"),
            Url = section.Text("Url") ?? throw section.Missing("Url", "an address such as memory:, file:./data/warm or a path"),
            Setting = section.PathOf("Url"),
            MaxBytes = section.Size("MaxBytes", 64 << 10, long.MaxValue),
            MaxBlobBytes = section.Size("MaxBlobBytes", 0, long.MaxValue),
            SoftTimeout = section.Time("SoftTimeout"),
            HardTimeout = section.Time("HardTimeout"),
        };
    }
}
