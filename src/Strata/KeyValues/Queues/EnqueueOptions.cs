namespace Strata;

/// <summary>How a message is delivered.</summary>
public sealed record EnqueueOptions
{
    /// <summary>What a message is tried again after, unless it says otherwise: 100 ms, 1 s, 5 s, 30 s, 1 min.</summary>
    public static IReadOnlyList<TimeSpan> StandardBackoff { get; } =
        [TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1)];

    /// <summary>Not delivered before this has passed: 0 to 3,650 days. Default 0.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>
    /// After a failure the message is delivered again when the next of these has passed; after the last of them it is
    /// given up. At most 100, each 0 to 365 days. Empty: it is delivered once. Default <see cref="StandardBackoff"/>.
    /// </summary>
    public IReadOnlyList<TimeSpan> Backoff { get; init; } = StandardBackoff;

    /// <summary>Keys that are set to the message's value when it is given up, at most 10. Without any, it becomes a dead letter of the queue.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> KeysIfUndelivered { get; init; } = [];
}
