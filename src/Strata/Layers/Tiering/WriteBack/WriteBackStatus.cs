namespace Strata;

/// <summary>What the origin of a store with <see cref="TieringWrites.Back"/> does not have yet, and how sending goes.</summary>
public sealed record WriteBackStatus
{
    /// <summary>Keys whose last write or delete the origin does not have, dead letters among them.</summary>
    public long Pending { get; init; }

    /// <summary>Bytes of those blobs.</summary>
    public long PendingBytes { get; init; }

    /// <summary>Of them those that were given up: they stay in the warm tier until somebody replays or discards them.</summary>
    public long Dead { get; init; }

    /// <summary>When the oldest of them was written; null: there is none.</summary>
    public DateTimeOffset? Oldest { get; init; }

    /// <summary>When one was last sent; null: none was since the store was opened.</summary>
    public DateTimeOffset? LastSuccess { get; init; }

    /// <summary>What the last attempt that failed failed with; null: none has.</summary>
    public string? LastError { get; init; }

    /// <summary>Since when the origin cannot be reached; null: it can.</summary>
    public DateTimeOffset? UnreachableSince { get; init; }

    /// <summary>Whether so much is pending that writes wait.</summary>
    public bool HoldsUpWrites { get; init; }
}
