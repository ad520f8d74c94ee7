namespace Strata;

/// <summary>Settings of an <see cref="AccessTracker"/>, besides the windows, which are those of its <see cref="TieringPolicy"/>.</summary>
public sealed record AccessTrackerOptions
{
    /// <summary>
    /// Memory that the tracker may take, bytes: a key's own in UTF-8, and about 60 more each. Where it is full the least used are
    /// forgotten, an eighth of all at once. 512 KiB or more; default 64 MiB.
    /// </summary>
    public long MaxBytes { get; init; } = 64 << 20;

    /// <summary>After this time without use a key's score is half of what it was. 1 minute to 10 years; default 1 day.</summary>
    public TimeSpan ScoreHalfLife { get; init; } = TimeSpan.FromDays(1);

    /// <summary>The most keys whose use one flush writes; the others wait for the next one. 1 or more; default 10,000.</summary>
    public int MaxFlushKeys { get; init; } = 10_000;

    /// <exception cref="ArgumentException">A setting is out of its range; the message names it.</exception>
    internal void Check()
    {
        if (MaxBytes < 512 << 10) throw new ArgumentException($"MaxBytes is 512 KiB or more, not {MaxBytes} bytes.", nameof(MaxBytes));
        if (ScoreHalfLife < TimeSpan.FromMinutes(1) || ScoreHalfLife > TimeSpan.FromDays(3650)) throw new ArgumentException($"ScoreHalfLife is 1 minute to 3,650 days, not {ScoreHalfLife}.", nameof(ScoreHalfLife));
        if (MaxFlushKeys < 1) throw new ArgumentException($"MaxFlushKeys is 1 or more, not {MaxFlushKeys}.", nameof(MaxFlushKeys));
    }
}
