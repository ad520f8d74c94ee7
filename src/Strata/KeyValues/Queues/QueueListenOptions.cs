namespace Strata;

/// <summary>How a listener takes messages.</summary>
public sealed record QueueListenOptions
{
    /// <summary>How many messages are handled at once: 1 to 1,000. Default 10.</summary>
    public int Concurrency { get; init; } = 10;

    /// <summary>
    /// If a listener dies, its messages are delivered to another one after this: 1 s to 1 h. While a handler is at work the
    /// lease is renewed every third of it, so that no handler must be quicker. Default 30 s.
    /// </summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long handlers that are at work may go on when the listener is stopped; then they are cancelled, and their messages go back. Default 30 s.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(30);

    internal void Check()
    {
        if (Concurrency is < 1 or > 1_000) throw new ArgumentException($"Concurrency must be 1 to 1,000; it is {Concurrency}.", nameof(Concurrency));
        if (Lease < TimeSpan.FromSeconds(1) || Lease > TimeSpan.FromHours(1)) throw new ArgumentException($"Lease must be 1 s to 1 h; it is {Lease}.", nameof(Lease));
        if (DrainTimeout < TimeSpan.Zero || DrainTimeout > TimeSpan.FromDays(1)) throw new ArgumentException($"DrainTimeout must be 0 to 1 day; it is {DrainTimeout}.", nameof(DrainTimeout));
    }
}
