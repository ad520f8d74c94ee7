namespace Strata;

/// <summary>How a store with <see cref="TieringWrites.Back"/> takes its writes to the origin.</summary>
public sealed record WriteBackOptions
{
    /// <summary>Blobs that are sent to the origin at once. 1 to 1,000; default 8.</summary>
    public int Parallelism { get; init; } = 8;

    /// <summary>Keys that the origin may lack; beyond it writes wait until some have been sent. 1 or more; default 1,000,000.</summary>
    public long MaxPending { get; init; } = 1_000_000;

    /// <summary>
    /// Bytes of blobs that the origin may lack; beyond it writes wait. 64 KiB or more; null (the default): half the warm tier's
    /// capacity, and where that has none no limit but the disk.
    /// </summary>
    public long? MaxPendingBytes { get; init; }

    /// <summary>Attempts after which what the origin refuses becomes a dead letter; while the origin is out none is counted. 1 to 1,000; default 10.</summary>
    public int MaxAttempts { get; init; } = 10;

    /// <summary>Refuses what is out of range.</summary>
    internal void Check()
    {
        if (Parallelism is < 1 or > 1_000) throw new ArgumentException($"WriteBack.Parallelism must be 1 to 1,000; it is {Parallelism}.");
        if (MaxPending < 1) throw new ArgumentException($"WriteBack.MaxPending must be 1 or more; it is {MaxPending}.");
        if (MaxPendingBytes < 64 << 10) throw new ArgumentException($"WriteBack.MaxPendingBytes must be 64 KiB or more; it is {MaxPendingBytes}.");
        if (MaxAttempts is < 1 or > 1_000) throw new ArgumentException($"WriteBack.MaxAttempts must be 1 to 1,000; it is {MaxAttempts}.");
    }
}
