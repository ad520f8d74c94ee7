namespace Strata;

/// <summary>Settings of a <see cref="FanoutBlobStore"/>.</summary>
public sealed record FanoutOptions
{
    /// <summary>The store's name in messages and in its rows, the same at every start: 1 to 40 bytes. Default <c>fanout</c>.</summary>
    public string Name { get; init; } = "fanout";

    /// <summary>Which layers must have a change before it is acknowledged. Default all.</summary>
    public FanoutAcknowledgement Acknowledge { get; init; } = FanoutAcknowledgement.All;

    /// <summary>What is listed. Default all layers that are read, merged.</summary>
    public FanoutLists Lists { get; init; } = FanoutLists.Merge;

    /// <summary>
    /// Whether a read goes on to the next layer if one fails; default false: it fails. That a blob is missing is said only if a layer that is written
    /// has answered so, and every layer that is only read.
    /// </summary>
    public bool ReadsPastErrors { get; init; }

    /// <summary>Whether a blob that is read from a later layer is taken to the layers before it that are written and lack it, by the outbox. Default false.</summary>
    public bool Backfills { get; init; }

    /// <summary>How long a request may live that was given up: for so long a layer without <see cref="WriteConditionKind.IfOlder"/> is looked at again. 1 s to 1 day; default 15 min.</summary>
    public TimeSpan RequestLife { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Blobs that are sent at once to a layer that has missed them. 1 to 1,000; default 8.</summary>
    public int Parallelism { get; init; } = 8;

    /// <summary>Keys that one layer may lack; beyond it changes are refused with kind Full. 1 or more; default 1,000,000.</summary>
    public long MaxPending { get; init; } = 1_000_000;

    /// <summary>Attempts after which what a layer refuses becomes a dead letter; while it is out none is counted. 1 to 1,000; default 10.</summary>
    public int MaxAttempts { get; init; } = 10;

    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    internal void Check()
    {
        if (Name.Length is 0 or > 40 || Name.Contains('\0', StringComparison.Ordinal)) throw new ArgumentException($"The store's name takes 1 to 40 bytes; it is '{Name}'.");
        if (RequestLife < TimeSpan.FromSeconds(1) || RequestLife > TimeSpan.FromDays(1)) throw new ArgumentException($"RequestLife must be 1 s to 1 day; it is {RequestLife}.");
        if (Parallelism is < 1 or > 1_000) throw new ArgumentException($"Parallelism must be 1 to 1,000; it is {Parallelism}.");
        if (MaxPending < 1) throw new ArgumentException($"MaxPending must be 1 or more; it is {MaxPending}.");
        if (MaxAttempts is < 1 or > 1_000) throw new ArgumentException($"MaxAttempts must be 1 to 1,000; it is {MaxAttempts}.");
    }
}
