namespace Strata;

/// <summary>What a KV database can do.</summary>
public sealed record KvCapabilities
{
    /// <summary>The database's name in messages and metrics.</summary>
    public required string Database { get; init; }

    /// <summary>What it takes in one call.</summary>
    public KvLimits Limits { get; init; } = KvLimits.Embedded;

    /// <summary>False if nothing outlives the process.</summary>
    public bool IsDurable { get; init; } = true;

    /// <summary>True if a watch sees what other processes write.</summary>
    public bool WatchesOtherProcesses { get; init; }

    /// <summary>True if the entries that are read say when they expire.</summary>
    public bool TellsExpiry { get; init; } = true;
}
