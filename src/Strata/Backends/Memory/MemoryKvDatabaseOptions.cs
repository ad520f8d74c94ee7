namespace Strata;

/// <summary>Settings of a <see cref="MemoryKvDatabase"/>.</summary>
public sealed record MemoryKvDatabaseOptions
{
    /// <summary>The database's name in messages. Default <c>memory</c>.</summary>
    public string Name { get; init; } = "memory";

    /// <summary>What it takes in one call. Default <see cref="KvLimits.Embedded"/>.</summary>
    public KvLimits Limits { get; init; } = KvLimits.Embedded;
}
