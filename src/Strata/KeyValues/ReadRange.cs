namespace Strata;

/// <summary>A range of keys to be read.</summary>
/// <param name="Start">The least key that counts.</param>
/// <param name="End">The least key above it that counts no more. A range that ends where it begins, or before, is empty.</param>
/// <param name="Limit">How many entries at most: 1 to <see cref="KvLimits.MaxEntries"/>.</param>
/// <param name="Reverse">From the greatest key down; the limit counts from there.</param>
/// <param name="KeysOnly">Without the values, which need not be read for it.</param>
public readonly record struct ReadRange(ReadOnlyMemory<byte> Start, ReadOnlyMemory<byte> End, int Limit, bool Reverse = false, bool KeysOnly = false)
{
    /// <summary>The range of one key.</summary>
    public static ReadRange Of(ReadOnlyMemory<byte> key)
    {
        byte[] end = new byte[key.Length + 1];
        key.Span.CopyTo(end);
        return new ReadRange(end.AsMemory(0, key.Length), end, 1);
    }

    /// <summary>True for the range of one key.</summary>
    public bool IsOneKey => End.Length == Start.Length + 1 && End.Span[^1] == 0 && End.Span.StartsWith(Start.Span);

    /// <summary>Whether a key is within it.</summary>
    public bool Contains(ReadOnlySpan<byte> key) => key.SequenceCompareTo(Start.Span) >= 0 && key.SequenceCompareTo(End.Span) < 0;
}
