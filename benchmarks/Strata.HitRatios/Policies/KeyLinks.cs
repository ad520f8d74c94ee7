namespace Strata.HitRatios;

/// <summary>What lists over the same keys share: a key is in one of them at most.</summary>
internal sealed class KeyLinks(int[] sizes)
{
    public int[] Sizes { get; } = sizes;

    public int[] Newer { get; } = new int[sizes.Length];

    public int[] Older { get; } = new int[sizes.Length];

    /// <summary>The list that each key is in; null for none.</summary>
    public KeyList?[] In { get; } = new KeyList?[sizes.Length];
}
