namespace Strata;

/// <summary>Settings of an <see cref="Outbox"/>.</summary>
public sealed record OutboxOptions
{
    /// <summary>Outboxes of one database with different names know nothing of each other; one a target. 1 to 100 bytes of UTF-8.</summary>
    public required string Name { get; init; }

    /// <summary>Intents of one worker that are sent at once. 1 to 1,000; default 8.</summary>
    public int Parallelism { get; init; } = 8;

    /// <summary>
    /// For so long an intent is its worker's; renewed at each third of it. After a worker has died its intents are taken over when
    /// it has run out. 1 s to 1 h; default 30 s.
    /// </summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Attempts after which an intent becomes a dead letter. 1 to 1,000; default 10.</summary>
    public int MaxAttempts { get; init; } = 10;

    /// <summary>Wait after the first failed attempt; doubled from attempt to attempt, and shortened by up to a quarter at random. 1 ms or more; default 1 s.</summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest such wait, up to 1 day. Default 5 min.</summary>
    public TimeSpan LongestDelay { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The longest wait between two probes of a target that cannot be reached; the first is <see cref="FirstDelay"/>, doubled from probe to probe. Default 30 s.</summary>
    public TimeSpan LongestProbeDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a worker waits at most before it looks for intents without having been woken: where others write to the database
    /// whom its watch does not see. Default 5 s.
    /// </summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long sends under way may go on after a worker was stopped, before they are cancelled. Default 10 s.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Pending intents beyond which <see cref="Outbox.AdmitAsync"/> admits no more. 1 or more; default 1,000,000.</summary>
    public long MaxPending { get; init; } = 1_000_000;

    /// <summary>Bytes of pending intents, keys and data with 64 for each, beyond which no more are admitted. 1 KiB or more; default 256 MiB.</summary>
    public long MaxPendingBytes { get; init; } = 256L << 20;

    /// <summary>What a full outbox does to those who want in: true (the default): they wait; false: they are refused with kind Full.</summary>
    public bool WaitsWhenFull { get; init; } = true;

    /// <summary>Whose it is, where stores have outboxes of the same name; told in logs and metrics, and no part of the rows' keys.</summary>
    internal string? Store { get; init; }

    /// <summary>Its name in logs and metrics.</summary>
    internal string Label => Store is null ? Name : $"{Store}/{Name}";

    /// <summary>How long a send may take to end once it was cancelled, by the clock on the wall; then it is left.</summary>
    internal TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(5);

    internal void Check()
    {
        if (Parallelism is < 1 or > 1_000) throw Wrong($"Parallelism must be 1 to 1,000; it is {Parallelism}.");
        if (Lease < TimeSpan.FromSeconds(1) || Lease > TimeSpan.FromHours(1)) throw Wrong($"Lease must be 1 s to 1 h; it is {Lease}.");
        if (MaxAttempts is < 1 or > 1_000) throw Wrong($"MaxAttempts must be 1 to 1,000; it is {MaxAttempts}.");
        if (FirstDelay < TimeSpan.FromMilliseconds(1)) throw Wrong($"FirstDelay must be 1 ms or more; it is {FirstDelay}.");
        if (LongestDelay < FirstDelay || LongestDelay > TimeSpan.FromDays(1)) throw Wrong($"LongestDelay must be FirstDelay to 1 day; it is {LongestDelay}.");
        if (LongestProbeDelay < FirstDelay || LongestProbeDelay > TimeSpan.FromDays(1)) throw Wrong($"LongestProbeDelay must be FirstDelay to 1 day; it is {LongestProbeDelay}.");
        if (PollInterval < TimeSpan.FromMilliseconds(10) || PollInterval > TimeSpan.FromDays(1)) throw Wrong($"PollInterval must be 10 ms to 1 day; it is {PollInterval}.");
        if (DrainTimeout < TimeSpan.Zero || DrainTimeout > TimeSpan.FromDays(1)) throw Wrong($"DrainTimeout must be 0 to 1 day; it is {DrainTimeout}.");
        if (MaxPending < 1) throw Wrong($"MaxPending must be 1 or more; it is {MaxPending}.");
        if (MaxPendingBytes < 1 << 10) throw Wrong($"MaxPendingBytes must be 1 KiB or more; it is {MaxPendingBytes}.");
    }

    /// <summary>The wait after so many failed attempts, before it is shortened at random.</summary>
    internal static TimeSpan DelayAfter(int attempts, TimeSpan first, TimeSpan longest)
    {
        double wait = first.TotalMilliseconds * Math.Pow(2, Math.Min(attempts - 1, 60));
        return wait < longest.TotalMilliseconds ? TimeSpan.FromMilliseconds(wait) : longest;
    }

    private static ArgumentException Wrong(string message) => new(message);
}
