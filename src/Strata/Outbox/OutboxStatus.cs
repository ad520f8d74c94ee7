namespace Strata;

/// <summary>What an outbox holds, and how its sending goes.</summary>
public sealed record OutboxStatus
{
    /// <summary>Intents that are not sent yet, leased and failed ones among them. A key that changes while it is being sent counts twice.</summary>
    public long Pending { get; init; }

    /// <summary>Of them those that a worker is sending now, or has died at.</summary>
    public long Leased { get; init; }

    /// <summary>Of them those that have failed and wait for their next attempt.</summary>
    public long Failed { get; init; }

    /// <summary>Intents given up.</summary>
    public long Dead { get; init; }

    /// <summary>When the oldest pending one came; null: there is none.</summary>
    public DateTimeOffset? Oldest { get; init; }

    /// <summary>When this process last sent one; null: it has not yet.</summary>
    public DateTimeOffset? LastSuccess { get; init; }

    /// <summary>What the last attempt of this process failed with that failed; null: none has.</summary>
    public string? LastError { get; init; }

    /// <summary>Since when the target cannot be reached, as this process knows; null: it can.</summary>
    public DateTimeOffset? UnreachableSince { get; init; }
}
