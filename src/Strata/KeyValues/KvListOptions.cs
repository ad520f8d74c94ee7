namespace Strata;

/// <summary>How to list.</summary>
public sealed record KvListOptions
{
    /// <summary>How many at most; 1 or more. Default null: all.</summary>
    public long? Limit { get; init; }

    /// <summary>From the last key to the first. Default: from the first.</summary>
    public bool Reverse { get; init; }

    /// <summary>Goes on after a key: what <see cref="KvSelector.CursorAfter"/> gave for the same selector, or Deno's <c>cursor</c>. Default null or empty: from the beginning.</summary>
    public string? Cursor { get; init; }

    /// <summary>
    /// How many entries are read at once: 1 to the database's <see cref="KvLimits.MaxEntries"/>. Default 100. The entries of
    /// one batch are as they are at one instant; those of the next are as they are later.
    /// </summary>
    public int BatchSize { get; init; } = 100;

    /// <summary>Which state may be read. Default <see cref="KvConsistency.Strong"/>.</summary>
    public KvConsistency Consistency { get; init; }
}
