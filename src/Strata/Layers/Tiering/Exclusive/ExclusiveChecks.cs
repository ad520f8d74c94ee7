namespace Strata;

/// <summary>What must hold of tiers in which blobs live, each in one.</summary>
internal static class ExclusiveChecks
{
    public static void Check(IReadOnlyList<Tier> tiers, ExclusiveOptions options)
    {
        ArgumentNullException.ThrowIfNull(tiers);
        string store = options.Name;
        if (options.RequestLife < TimeSpan.Zero || options.RequestLife > TimeSpan.FromDays(1)) throw new ArgumentException($"RequestLife must be 0 to 1 day; it is {options.RequestLife}.");
        if (tiers.Count < 2) throw new ArgumentException($"Store '{store}' has {tiers.Count} tier that can be a blob's home, and exclusive containment needs two or more: add a durable tier, or set Tiering:Containment to Inclusive.");
        foreach (Tier tier in tiers)
        {
            StoreCapabilities able = tier.Store.Capabilities;
            if (string.IsNullOrWhiteSpace(tier.Name)) throw new ArgumentException($"A tier of store '{store}' has no name.");
            if (tiers.Count(t => t.Name == tier.Name) > 1) throw new ArgumentException($"Store '{store}' has two tiers named '{tier.Name}'; names must differ.");
            if (able.IsVolatile)
                throw new ArgumentException($"Tier '{tier.Name}' of store '{store}' evicts, so it cannot be a blob's only home: put it above all durable tiers, where it holds copies, turn its eviction off, or set Tiering:Containment to Inclusive.");
            if (!able.IsSingleWriter)
                throw new ArgumentException($"Others may write to tier '{tier.Name}' of store '{store}', and the placement index would not hear of it: if nobody else writes there, set singleWriter=true in its address; else set Tiering:Containment to Inclusive.");
            if (!able.Conditions.HasFlag(WriteConditionKind.IfAbsent))
                throw new ArgumentException($"Tier '{tier.Name}' of store '{store}' cannot write on the condition that nothing is there, without which a move could cover a newer write. Replace that tier, or set Tiering:Containment to Inclusive.");
            if (able.Expiry != tiers[0].Store.Capabilities.Expiry)
                throw new ArgumentException($"Tiers '{tiers[0].Name}' and '{tier.Name}' of store '{store}' differ in whether they keep expiry, which a blob would lose on its way. Replace one of them.");
        }
    }
}
