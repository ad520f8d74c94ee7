namespace Strata;

/// <summary>What one layer of a <see cref="FanoutBlobStore"/> has done since the store was opened, and what it lacks.</summary>
public sealed record FanoutLayerStatus
{
    /// <summary>The layer.</summary>
    public required string Name { get; init; }

    /// <summary>Whether changes go there.</summary>
    public bool IsWritten { get; init; }

    /// <summary>Reads and stats that it answered with a blob.</summary>
    public long Hits { get; init; }

    /// <summary>Reads and stats that it answered with nothing.</summary>
    public long Misses { get; init; }

    /// <summary>Calls that failed.</summary>
    public long Errors { get; init; }

    /// <summary>The last failure's message; null if there was none.</summary>
    public string? LastError { get; init; }

    /// <summary>Keys whose last change it does not have, dead letters among them; it is not asked for those.</summary>
    public long Pending { get; init; }

    /// <summary>Since when it cannot be reached by its outbox; null: it can.</summary>
    public DateTimeOffset? UnreachableSince { get; init; }
}
