namespace Strata;

/// <summary>What an opener of KV databases is told besides the address.</summary>
public sealed record KvOpening
{
    /// <summary>The database's name in messages and metrics.</summary>
    public required string Name { get; init; }

    /// <summary>Clock, loggers, buffers.</summary>
    public StoreContext Context { get; init; } = StoreContext.Default;
}
