namespace Strata;

/// <summary>What a scan of a <see cref="LogIndex"/> gathers: keys of [from, to) in the order of their bytes.</summary>
/// <param name="from">The least key that counts, of any length; empty: the first there is. To go on upwards behind a key, give it with a zero byte appended.</param>
/// <param name="to">The least key that counts no more; empty: none. To go on downwards, give the last key gathered.</param>
/// <param name="limit">How many at most: 1 or more. Up to <see cref="LogIndex.OptimisticEntries"/> are read without a lock; more only if no change comes at the first tries.</param>
/// <param name="descending">From the greatest key down.</param>
/// <param name="valuesOnly">Passes over tombstones; they cost their time, and do not count.</param>
internal readonly ref struct LogScan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, int limit, bool descending = false, bool valuesOnly = false)
{
    public ReadOnlySpan<byte> From { get; } = from;

    public ReadOnlySpan<byte> To { get; } = to;

    public int Limit { get; } = limit;

    public bool Descending { get; } = descending;

    public bool ValuesOnly { get; } = valuesOnly;
}
