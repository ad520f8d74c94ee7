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

    internal static TierSettings Read(IConfigurationSection configuration)
    {
        var section = new SettingsSection(configuration, "Name", "Url", "MaxBytes", "MaxBlobBytes");
        return new TierSettings
        {
            Name = section.Text("Name") ?? throw section.Missing("Name", "a name such as hot, warm or cold"),
            Url = section.Text("Url") ?? throw section.Missing("Url", "an address such as memory:, file:./data/warm or a path"),
            Setting = section.PathOf("Url"),
            MaxBytes = section.Size("MaxBytes", 64 << 10, long.MaxValue),
            MaxBlobBytes = section.Size("MaxBlobBytes", 0, long.MaxValue),
        };
    }
}
