namespace Strata;

/// <summary>What a tier is to be filled with.</summary>
public sealed record BootstrapOptions
{
    /// <summary>The slower tier to fill from; null (the default) for the next one.</summary>
    public string? From { get; init; }

    /// <summary>Which blobs come first. Default Score.</summary>
    public BootstrapOrder By { get; init; }

    /// <summary>Only blobs modified at this time or later; null for all.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Only keys that begin with this text (ordinal); empty for all.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The most blobs: 1 to 1,000,000; default 10,000. Memory while it runs: about 200 bytes each.</summary>
    public int Limit { get; init; } = 10_000;

    /// <summary>The most payload bytes, 1 or more; null (the default) for the tier's capacity, where it has one.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>Blobs copied at the same time: 1 to 64; default 4.</summary>
    public int Parallelism { get; init; } = 4;

    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    internal void Check()
    {
        ArgumentNullException.ThrowIfNull(Prefix);
        if (Limit is < 1 or > 1_000_000) throw new ArgumentException($"Limit must be 1 to 1,000,000; it is {Limit}.");
        if (MaxBytes < 1) throw new ArgumentException($"MaxBytes must be 1 or more; it is {MaxBytes}.");
        if (Parallelism is < 1 or > 64) throw new ArgumentException($"Parallelism must be 1 to 64; it is {Parallelism}.");
    }
}
