namespace Strata;

/// <summary>What a KV database takes in one call. More is a caller's bug, and refused before any I/O.</summary>
public sealed record KvLimits
{
    /// <summary>What a versionstamp appended to a key adds to it.</summary>
    internal const int VersionstampSuffixBytes = 2 + (2 * Versionstamp.Bytes);

    /// <summary>The limits that Deno's clients expect of a database, and every backend keeps to unless it says otherwise.</summary>
    public static KvLimits Deno { get; } = new();

    /// <summary>
    /// What a database in this process takes unless it is told otherwise: room for a value of 64 MiB, which the model
    /// splits, and for larger reads and writes than Deno's clients ask for.
    /// </summary>
    public static KvLimits Embedded { get; } = new()
    {
        MaxRanges = 100,
        MaxMutations = 10_000,
        MaxChecks = 1_000,
        MaxWriteKeyBytes = 16 << 20,
        MaxWriteBytes = 80 << 20,
        MaxWatchedKeys = 1_000,
    };

    /// <summary>Ranges of one read.</summary>
    public int MaxRanges { get; init; } = 10;

    /// <summary>The greatest limit of one range.</summary>
    public int MaxEntries { get; init; } = 1_000;

    /// <summary>Bytes of a key that is written, an appended versionstamp included. Where a range begins and ends may have one more.</summary>
    public int MaxKeyBytes { get; init; } = 2_048;

    /// <summary>Bytes of a value.</summary>
    public int MaxValueBytes { get; init; } = 65_536;

    /// <summary>Checks of one write.</summary>
    public int MaxChecks { get; init; } = 100;

    /// <summary>Mutations of one write.</summary>
    public int MaxMutations { get; init; } = 1_000;

    /// <summary>Keys and values of one write together, bytes.</summary>
    public int MaxWriteBytes { get; init; } = 819_200;

    /// <summary>Keys of one write together, bytes.</summary>
    public int MaxWriteKeyBytes { get; init; } = 81_920;

    /// <summary>Keys of one watch.</summary>
    public int MaxWatchedKeys { get; init; } = 10;

    /// <summary>Refuses a read beyond the limits.</summary>
    /// <exception cref="ArgumentException">Which limit, and what was asked.</exception>
    public void Check(IReadOnlyList<ReadRange> ranges)
    {
        ArgumentNullException.ThrowIfNull(ranges);
        if (ranges.Count > MaxRanges) throw new ArgumentException($"A read takes at most {MaxRanges} ranges, not {ranges.Count}.", nameof(ranges));
        for (int i = 0; i < ranges.Count; i++)
        {
            ReadRange range = ranges[i];
            if (range.Limit < 1 || range.Limit > MaxEntries) throw new ArgumentException($"The limit of a range is 1 to {MaxEntries}, not {range.Limit}.", nameof(ranges));
            if (range.Start.Length > MaxKeyBytes + 1 || range.End.Length > MaxKeyBytes + 1) throw new ArgumentException($"A range begins and ends with at most {MaxKeyBytes + 1} bytes, not {Math.Max(range.Start.Length, range.End.Length)}.", nameof(ranges));
        }
    }

    /// <summary>Refuses a write beyond the limits.</summary>
    /// <exception cref="ArgumentException">Which limit, and what was asked.</exception>
    public void Check(AtomicWrite write)
    {
        ArgumentNullException.ThrowIfNull(write);
        if (write.Checks.Count > MaxChecks) throw new ArgumentException($"A write takes at most {MaxChecks} checks, not {write.Checks.Count}.", nameof(write));
        if (write.Mutations.Count > MaxMutations) throw new ArgumentException($"A write takes at most {MaxMutations} mutations, not {write.Mutations.Count}.", nameof(write));
        long keyBytes = 0, bytes = 0;
        for (int i = 0; i < write.Checks.Count; i++) keyBytes += CheckKey(write.Checks[i].Key, nameof(write));
        for (int i = 0; i < write.Mutations.Count; i++)
        {
            KvMutation mutation = write.Mutations[i];
            keyBytes += CheckKey(mutation.Key, nameof(write), mutation.Kind == KvMutationKind.SetVersionstampedKey ? VersionstampSuffixBytes : 0);
            int length = mutation.Value.Data.Length + (mutation.SumLimits?.Min.Length ?? 0) + (mutation.SumLimits?.Max.Length ?? 0);
            if (length > MaxValueBytes) throw new ArgumentException($"A value has at most {MaxValueBytes} bytes, not {length}.", nameof(write));
            bytes += length;
        }

        if (keyBytes > MaxWriteKeyBytes) throw new ArgumentException($"The keys of a write have at most {MaxWriteKeyBytes} bytes together, not {keyBytes}.", nameof(write));
        if (keyBytes + bytes > MaxWriteBytes) throw new ArgumentException($"A write has at most {MaxWriteBytes} bytes, not {keyBytes + bytes}.", nameof(write));
    }

    /// <summary>Refuses a watch beyond the limits.</summary>
    /// <exception cref="ArgumentException">Which limit, and what was asked.</exception>
    public void Check(IReadOnlyList<ReadOnlyMemory<byte>> watched)
    {
        ArgumentNullException.ThrowIfNull(watched);
        if (watched.Count == 0 || watched.Count > MaxWatchedKeys) throw new ArgumentException($"A watch takes 1 to {MaxWatchedKeys} keys, not {watched.Count}.", nameof(watched));
        for (int i = 0; i < watched.Count; i++) CheckKey(watched[i], nameof(watched));
    }

    private int CheckKey(ReadOnlyMemory<byte> key, string parameter, int suffix = 0) =>
        key.Length >= 1 && key.Length + suffix <= MaxKeyBytes ? key.Length + suffix : throw new ArgumentException($"A key has 1 to {MaxKeyBytes - suffix} bytes, not {key.Length}.", parameter);
}
